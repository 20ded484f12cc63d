/** The first full text of each kind of error that a server sent: what its kind alone leaves out. */
import { refusedText, saidText } from './said-text.ts';

const KIND_LIMIT = 32;

/** What a parser kept of a reply, if anything. */
export type KeptReply = { readonly body: Uint8Array; readonly headerText: string };

export class FirstTexts {
  readonly byKind: Map<string, string> = new Map();
  #last = '';

  /** A reply, or a part of one. `isWhole`: false when it may have begun before; then it must name its kind. */
  hear(kind: string, bytes: Uint8Array, start: number, end: number, isWhole: boolean): void {
    // The usual case: the same again.
    if (!this.#isNew(kind)) return;
    this.#keep(kind, saidText(kind, bytes.subarray(start, end), isWhole));
  }

  /**
   * A reply that was refused: what its parser kept, or else bytes [start, end) as they came; none if `bytes` is empty.
   * True when this reason needs no other.
   */
  hearRefused(reason: string, kept: KeptReply, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#isNew(reason)) return true;
    this.#keep(reason, refusedText(kept, bytes.length === 0 ? bytes : bytes.subarray(start, end)));
    return this.#last === reason;
  }

  #isNew(kind: string): boolean {
    return kind !== this.#last && !this.byKind.has(kind) && this.byKind.size < KIND_LIMIT;
  }

  #keep(kind: string, text: string): void {
    if (text === '') return;
    this.byKind.set(kind, text);
    this.#last = kind;
  }
}
