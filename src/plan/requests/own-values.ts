/**
 * What a request's own check compares with, where that is made of the request's row: texts encoded beforehand, one
 * after another, each behind its length in four bytes.
 */
const LENGTH_BYTES = 4;

/** The values of one request, by their numbers in its kind's check. */
export type OwnValues = { bytes(index: number): Uint8Array };

export function encodeOwnValues(values: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(values.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  const view = new DataView(all.buffer);
  let at = 0;
  for (const value of values) {
    view.setUint32(at, value.length);
    all.set(value, at + LENGTH_BYTES);
    at += LENGTH_BYTES + value.length;
  }
  return all;
}

/** Reads the values of any request, one request at a time. */
export class OwnValuesReader implements OwnValues {
  readonly #arena: Uint8Array;
  readonly #view: DataView;
  readonly #offsets: Uint32Array;
  #start = 0;

  /** `offsets`: where each variant's values begin in the arena. */
  constructor(arena: Uint8Array, offsets: Uint32Array) {
    this.#arena = arena;
    this.#view = new DataView(arena.buffer, arena.byteOffset, arena.length);
    this.#offsets = offsets;
  }

  /** From now on of this variant. */
  of(variant: number): OwnValues {
    this.#start = this.#offsets[variant]!;
    return this;
  }

  bytes(index: number): Uint8Array {
    let at = this.#start;
    for (let i = 0; i < index; i++) at += LENGTH_BYTES + this.#view.getUint32(at);
    return this.#arena.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + this.#view.getUint32(at));
  }
}
