import { LoopscopeError } from '../errors.ts';

/** JSON.parse with line and column in the error. `where` begins its message, as in "scenario.json". */
export function parseJsonText(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const offset = new Scanner(text).errorOffset();
    const before = text.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - before.lastIndexOf('\n');
    const got = offset >= text.length ? 'the text ends' : `"${printableChar(text, offset)}"`;
    throw new LoopscopeError('USAGE', `${where}:${line}:${column}: not JSON: ${got} ${hintAt(text, offset)}`);
  }
}

function printableChar(text: string, offset: number): string {
  return (
    /^[^\s,:[\]{}"]{1,20}/.exec(text.slice(offset, offset + 20))?.[0] ??
    JSON.stringify(text[offset]).slice(1, -1)
  );
}

function hintAt(text: string, offset: number): string {
  if (offset >= text.length) return 'too early';
  const rest = text.slice(offset);
  if (/^[}\]]/.test(rest) && /,\s*$/.test(text.slice(0, offset))) return 'after a comma';
  if (rest.startsWith('//') || rest.startsWith('/*')) return 'is a comment, which JSON does not have';
  if (rest.startsWith("'")) return 'is not a quotation mark of JSON';
  return 'is not expected here';
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

/** Finds the first place where a text stops being JSON (RFC 8259). Keeps its own stack: nesting may be hostile. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  errorOffset(): number {
    const open: ('{' | '[')[] = [];
    for (;;) {
      // A value, or the end of an empty container.
      this.#take(SPACE);
      const char = this.#text[this.#at];
      let closed = false;
      if (char === '{' || char === '[') {
        open.push(char);
        this.#at++;
        this.#take(SPACE);
        if (this.#text[this.#at] === closing(char)) closed = true;
        else if (char === '[' || this.#name()) continue;
        else return this.#at;
      } else if (!(this.#take(STRING) || this.#take(NUMBER) || this.#take(WORD))) {
        return this.#at + (char === '"' ? this.#stringError() : 0);
      }
      // What follows a value: the end of its container, or a comma and another.
      for (;;) {
        this.#take(SPACE);
        if (closed || (open.length > 0 && this.#text[this.#at] === closing(open.at(-1)!))) {
          open.pop();
          this.#at++;
          closed = false;
          continue;
        }
        if (open.length === 0 || this.#text[this.#at] !== ',') return this.#at;
        this.#at++;
        this.#take(SPACE);
        if (open.at(-1) === '{' && !this.#name()) return this.#at;
        break;
      }
    }
  }

  /** A member's name and its colon. */
  #name(): boolean {
    if (!this.#take(STRING)) return false;
    this.#take(SPACE);
    if (this.#text[this.#at] !== ':') return false;
    this.#at++;
    return true;
  }

  /** How far into a string its first wrong character is. */
  #stringError(): number {
    const good = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
    good.lastIndex = this.#at;
    return good.exec(this.#text)![0].length;
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at += match[0].length;
    return match !== null;
  }
}

function closing(open: '{' | '['): string {
  return open === '{' ? '}' : ']';
}
