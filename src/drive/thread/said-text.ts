/** What a server said when it was wrong, as text for a report: one line, nothing in it that moves a cursor. */
import { printable } from '../../base/printable.ts';

const LINE_BYTES = 200;
const REFUSED_BYTES = 64;
/** What a decoder makes of bytes that are no UTF-8. */
const NO_LETTER = '\ufffd';
const HEAD_END = '\r\n\r\n';

/**
 * The line of a reply that names its kind of error ("ERR max number of clients reached"), or else, if the reply begins
 * here (`isWhole`), its first line, or its first bytes where they are no text. Empty when there is nothing to say.
 */
export function saidText(kind: string, bytes: Uint8Array, isWhole: boolean): string {
  const lines = new TextDecoder()
    .decode(bytes.slice(0, LINE_BYTES))
    .trimStart()
    .split(/[\r\n]+/, 3);
  const named = lines.find((line) => line.includes(kind))?.trimEnd();
  // The mark of an error in RESP says nothing to a reader.
  if (named !== undefined) return named.startsWith(`-${kind}`) ? named.slice(1) : named;
  if (!isWhole) return '';
  const first = lines[0]!.trimEnd();
  const isText = !first.includes(NO_LETTER) && printable(first, LINE_BYTES) === first;
  return isText ? first : beginning(bytes);
}

/**
 * The beginning of a reply that was refused: of its body, or of its head where it has none. `bytes`: the whole of it as
 * it came, which is looked at where its parser kept nothing; empty when not known.
 */
export function refusedText(
  kept: { readonly body: Uint8Array; readonly headerText: string },
  bytes: Uint8Array,
): string {
  if (kept.body.length > 0) return beginning(kept.body);
  if (kept.headerText !== '') return beginning(Buffer.from(kept.headerText, 'latin1'));
  return beginning(bodyWithin(bytes));
}

/** The body of a reply that has a head as HTTP's, the first chunk of it where it has chunks; else the whole reply. */
function bodyWithin(bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const headEnd = buffer.indexOf(HEAD_END);
  const bodyAt = headEnd + HEAD_END.length;
  if (headEnd < 0 || bodyAt === buffer.length) return bytes;
  const body = buffer.subarray(bodyAt);
  if (!/^transfer-encoding:.*chunked/im.test(buffer.toString('latin1', 0, headEnd))) return body;
  const chunkAt = body.indexOf('\r\n') + 2;
  const chunkBytes = Number.parseInt(body.toString('latin1', 0, chunkAt), 16);
  return chunkBytes > 0 ? body.subarray(chunkAt, chunkAt + chunkBytes) : bytes;
}

function beginning(bytes: Uint8Array): string {
  return escaped(bytes.subarray(0, REFUSED_BYTES)) + (bytes.length > REFUSED_BYTES ? '…' : '');
}

const ESCAPES: Record<number, string> = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' };

/** Each byte as ASCII, or as it is written in a string: "{\n\x00\xff". */
function escaped(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 92;
    out += plain ? String.fromCharCode(byte) : (ESCAPES[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`);
  }
  return out;
}
