/** The words of a configuration as nginx reads them (ngx_conf_read_token): one list for each directive. */

export type Directive = {
  words: readonly string[];
  /** Of its first word, from 1. */
  line: number;
};

const WHITE = /\s/;
const ESCAPED: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  t: '\t',
  r: '\r',
  n: '\n',
};

/** Every directive of a text, those within blocks too; of a block the words before its brace. */
export function directivesOf(text: string): Directive[] {
  const all: Directive[] = [];
  let words: string[] = [];
  let lineOfFirst = 1;
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '\n') line++;
    if (WHITE.test(char)) at++;
    else if (char === '#') at = lineEnd(text, at);
    else if (char === ';' || char === '{' || char === '}') {
      if (words.length > 0) all.push({ words, line: lineOfFirst });
      words = [];
      at++;
    } else {
      if (words.length === 0) lineOfFirst = line;
      const word = char === '"' || char === "'" ? quotedWord(text, at + 1, char) : plainWord(text, at);
      for (let i = at; i < word.end; i++) if (text[i] === '\n') line++;
      words.push(word.text);
      at = word.end;
    }
  }
  return all;
}

type Word = { text: string; end: number };

function quotedWord(text: string, start: number, quote: string): Word {
  let out = '';
  let at = start;
  while (at < text.length && text[at] !== quote) {
    const [part, next] = charAt(text, at);
    out += part;
    at = next;
  }
  return { text: out, end: Math.min(text.length, at + 1) };
}

function plainWord(text: string, start: number): Word {
  let out = '';
  let at = start;
  while (at < text.length) {
    const char = text[at]!;
    // "${name}" is a variable, and no block.
    const isVariable = char === '{' && text[at - 1] === '$';
    const close = isVariable ? text.indexOf('}', at) : -1;
    if (close > 0) {
      out += text.slice(at, close + 1);
      at = close + 1;
      continue;
    }
    if (WHITE.test(char) || char === ';' || char === '{') break;
    const [part, next] = charAt(text, at);
    out += part;
    at = next;
  }
  return { text: out, end: Math.max(at, start + 1) };
}

/** A character, or what a backslash makes of the next one; and where the following one is. */
function charAt(text: string, at: number): [string, number] {
  const char = text[at]!;
  if (char !== '\\' || at + 1 >= text.length) return [char, at + 1];
  const next = text[at + 1]!;
  return [ESCAPED[next] ?? `\\${next}`, at + 2];
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}
