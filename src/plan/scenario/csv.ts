/** CSV as RFC 4180 has it: quotes, doubled quotes, line breaks within quotes, CRLF or LF; the first line names columns. */
import { LoopscopeError } from '../../base/errors.ts';
import type { Table } from './table-rows.ts';

/** Reads a whole file. Throws USAGE with the line at fault; `where` begins the message. */
export function parseCsv(text: string, where: string): Table {
  const reader = new CsvReader(text.startsWith('\ufeff') ? text.slice(1) : text, where);
  const columns = reader.next();
  if (columns === null)
    throw new LoopscopeError('USAGE', `${where}: is empty`, 'the first line names the columns');
  const names = columns.map((name) => name.trim());
  names.forEach((name, index) => {
    if (name === '') throw new LoopscopeError('USAGE', `${where}:1: column ${index + 1} has no name`);
    if (names.indexOf(name) < index)
      throw new LoopscopeError('USAGE', `${where}:1: two columns are named "${name}"`);
  });
  const rows: string[][] = [];
  const lines: number[] = [];
  for (let row = reader.next(); row !== null; row = reader.next()) {
    if (row.length !== names.length) {
      throw new LoopscopeError(
        'USAGE',
        `${where}:${reader.rowLine}: has ${counted(row.length, 'field')}, and the first line names ` +
          counted(names.length, 'column'),
        'a field with a comma or a line break must be in quotes',
      );
    }
    rows.push(row);
    lines.push(reader.rowLine);
  }
  return { where, columns: names, rows, lines };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

class CsvReader {
  /** Where the last row began, from 1. */
  rowLine = 1;
  readonly #text: string;
  readonly #where: string;
  #at = 0;
  #line = 1;

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  /** The next row's fields; null after the last. Empty lines are passed over. */
  next(): string[] | null {
    while (this.#lineBreak()) this.#line++;
    if (this.#at >= this.#text.length) return null;
    this.rowLine = this.#line;
    const fields: string[] = [];
    for (;;) {
      fields.push(this.#text[this.#at] === '"' ? this.#quoted() : this.#plain());
      if (this.#text[this.#at] === ',') {
        this.#at++;
        continue;
      }
      if (this.#lineBreak()) this.#line++;
      return fields;
    }
  }

  #lineBreak(): boolean {
    const start = this.#at;
    if (this.#text[this.#at] === '\r' && this.#text[this.#at + 1] === '\n') this.#at += 2;
    else if (this.#text[this.#at] === '\n') this.#at++;
    return this.#at > start;
  }

  #plain(): string {
    const start = this.#at;
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at];
      if (char === ',' || char === '\n' || (char === '\r' && this.#text[this.#at + 1] === '\n')) break;
      if (char === '"')
        this.#fail('a quotation mark within a field', 'put the field in quotes and double the mark');
    }
    return this.#text.slice(start, this.#at);
  }

  #quoted(): string {
    let value = '';
    const opened = this.#line;
    for (let start = ++this.#at; ; start = this.#at) {
      const quote = this.#text.indexOf('"', start);
      if (quote < 0) {
        this.#line = opened;
        this.#fail('a quoted field is not closed', 'look for a missing "');
      }
      const part = this.#text.slice(start, quote);
      value += part;
      for (let at = part.indexOf('\n'); at >= 0; at = part.indexOf('\n', at + 1)) this.#line++;
      this.#at = quote + 1;
      if (this.#text[this.#at] !== '"') break;
      value += '"';
      this.#at++;
    }
    const after = this.#text[this.#at];
    const ends =
      after === undefined || after === ',' || after === '\n' || this.#text.startsWith('\r\n', this.#at);
    if (!ends)
      this.#fail(`"${after}" after a closing quotation mark`, 'a mark within a field is written twice');
    return value;
  }

  #fail(what: string, hint: string): never {
    throw new LoopscopeError('USAGE', `${this.#where}:${this.#line}: ${what}`, hint);
  }
}
