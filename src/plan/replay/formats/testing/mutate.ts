/** Logs with something wrong in many of their lines. */
import type { Prng } from '../../../../base/prng.ts';

/** What breaks parsers: halves of escapes, brackets, signs, ends of lines, bytes that are no text. */
const PIECES: readonly Buffer[] = [
  ...[
    '\\',
    '\\x',
    '\\x4',
    '\\u00',
    '\\ud800',
    '"',
    '""',
    '{',
    '}',
    '[',
    ']',
    '[[[[',
    '{"a":',
    ':',
    ',',
    ' ',
    '  ',
  ],
  ...[
    '-',
    '-1',
    '+5',
    '1e999',
    '99999999999999999999',
    '0',
    '.',
    '#',
    '#2',
    '%',
    '%2',
    '\t',
    '\r',
    '\n',
    '\r\n',
  ],
  ...[
    'HTTP/1.1',
    'GET ',
    '/',
    '\n🐵🙈🙉\n',
    '1 ',
    '2 ',
    '[29/Nov/2026:07:04:55 +0000]',
    '31/Feb/2026:99:99:99 +9999',
  ],
].map((text) => Buffer.from(text));

/** `bytes` with one to four changes; with what another line has, too. */
export function mutate(bytes: Buffer, other: Buffer, prng: Prng): Buffer {
  let out = bytes;
  for (let left = 1 + prng.below(4); left > 0; left--) {
    const at = prng.below(out.length + 1);
    switch (prng.below(8)) {
      case 0:
        out = cut(out, at, at + 1 + prng.below(8));
        break;
      case 1:
        out = out.subarray(0, at);
        break;
      case 2:
        out = insert(out, at, other.subarray(prng.below(other.length), other.length));
        break;
      case 3:
        out = insert(out, at, Buffer.from([prng.below(256)]));
        break;
      case 4:
      case 5:
        out = insert(out, at, PIECES[prng.below(PIECES.length)]!);
        break;
      default:
        out = Buffer.from(out);
        if (at < out.length) out[at] = prng.below(256);
    }
  }
  return out;
}

function cut(bytes: Buffer, from: number, to: number): Buffer {
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function insert(bytes: Buffer, at: number, piece: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}
