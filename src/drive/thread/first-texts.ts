/** The first full text of each kind of error that a server sent: what its kind alone leaves out. */
const LIMIT_BYTES = 200;
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
}
