/** The first full text of each kind of error that a server sent: what its kind alone leaves out. */
const LIMIT_BYTES = 200;
const REFUSED_LIMIT_BYTES = 64;
const KIND_LIMIT = 32;

export class FirstTexts {
  readonly byKind: Map<string, string> = new Map();
  #last = '';

  /** A reply, or a part of one. `isWhole`: false when it may have begun before; then it must name its kind. */
  hear(kind: string, bytes: Uint8Array, start: number, end: number, isWhole: boolean): void {
    // The usual case: the same again.
    if (kind === this.#last || this.byKind.has(kind) || this.byKind.size >= KIND_LIMIT) return;
    const said = new TextDecoder().decode(bytes.slice(start, Math.min(end, start + LIMIT_BYTES)));
    const lines = said.trimStart().split(/[\r\n]+/, 3);
    const text = (lines.find((line) => line.includes(kind)) ?? (isWhole ? lines[0]! : '')).trimEnd();
    if (text === '') return;
    // The mark of an error in RESP says nothing to a reader.
    this.byKind.set(kind, text.startsWith(`-${kind}`) ? text.slice(1) : text);
    this.#last = kind;
  }

  /** A reply that a check refused: its beginning, of the body or else the headers, if either was captured. */
  hearRefused(reason: string, reply: { readonly body: Uint8Array; readonly headerText: string }): void {
    if (reason === this.#last || this.byKind.has(reason) || this.byKind.size >= KIND_LIMIT) return;
    const { body } = reply;
    const bytes = body.length > 0 ? body : Buffer.from(reply.headerText, 'latin1');
    if (bytes.length === 0) return;
    this.byKind.set(
      reason,
      escaped(bytes.subarray(0, REFUSED_LIMIT_BYTES)) + (bytes.length > REFUSED_LIMIT_BYTES ? '…' : ''),
    );
    this.#last = reason;
  }
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
