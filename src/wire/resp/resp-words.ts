/** Command lines as redis-cli reads them: blanks between words, "..." with escapes, '...' without. */
import { LoopscopeError } from '../../base/errors.ts';

const ESCAPED: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** The words of a command. Throws USAGE for a quote that does not end, or is not followed by a blank. */
export function respWords(text: string): Uint8Array[] {
  const words: Uint8Array[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (/\s/.test(char)) at++;
    else {
      const word = char === '"' || char === "'" ? quoted(text, at) : plain(text, at);
      words.push(word.bytes);
      at = word.next;
    }
  }
  return words;
}

type Word = { bytes: Uint8Array; next: number };

function plain(text: string, start: number): Word {
  let next = start;
  while (next < text.length && !/\s/.test(text[next]!)) next++;
  return { bytes: Buffer.from(text.slice(start, next)), next };
}

function quoted(text: string, start: number): Word {
  const quote = text[start]!;
  const pieces: Uint8Array[] = [];
  let at = start + 1;
  for (; text[at] !== quote; at++) {
    if (at >= text.length) throw malformed(text, `the quote ${quote} does not end`);
    if (text[at] !== '\\') {
      const char = String.fromCodePoint(text.codePointAt(at)!);
      pieces.push(Buffer.from(char));
      at += char.length - 1;
      continue;
    }
    const next = text[++at];
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(at, at + 3));
    if (quote === "'") pieces.push(Buffer.from(next === "'" ? "'" : `\\${next ?? ''}`));
    else if (hex) {
      pieces.push(Buffer.from(hex[1]!, 'hex'));
      at += 2;
    } else pieces.push(Buffer.from(ESCAPED[next!] ?? next ?? ''));
  }
  if (at + 1 < text.length && !/\s/.test(text[at + 1]!))
    throw malformed(text, 'a word goes on after its quote');
  return { bytes: Buffer.concat(pieces), next: at + 1 };
}

function malformed(text: string, why: string): LoopscopeError {
  return new LoopscopeError('USAGE', `--body: ${why} in ${text}`, 'write for instance SET key "a value"');
}
