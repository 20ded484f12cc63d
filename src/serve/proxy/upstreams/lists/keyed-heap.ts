/**
 * Slots by a key each, the lowest first; slots with equal keys by `tie`. A binary heap that knows where each slot is, so
 * that a key changes and a slot leaves in O(log n). Nothing is allocated after the constructor.
 */
export class KeyedHeap {
  readonly #slots: Int32Array;
  /** Where a slot is in #slots; −1: not in. */
  readonly #placeOf: Int32Array;
  readonly #keys: Float64Array;
  readonly #ties: Float64Array;
  length = 0;

  /** `limit`: slots are below it. */
  constructor(limit: number) {
    this.#slots = new Int32Array(limit);
    this.#placeOf = new Int32Array(limit).fill(-1);
    this.#keys = new Float64Array(limit);
    this.#ties = new Float64Array(limit);
  }

  has(slot: number): boolean {
    return this.#placeOf[slot]! >= 0;
  }

  /** The slot with the lowest key; −1 when there is none. */
  get lowest(): number {
    return this.length === 0 ? -1 : this.#slots[0]!;
  }

  /** Infinity when there is none. */
  get lowestKey(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.#keys[this.#slots[0]!]!;
  }

  /** Key of a slot that is in. */
  keyOf(slot: number): number {
    return this.#keys[slot]!;
  }

  tieOf(slot: number): number {
    return this.#ties[slot]!;
  }

  /** Puts a slot in, or to another place. */
  set(slot: number, key: number, tie = 0): void {
    this.#keys[slot] = key;
    this.#ties[slot] = tie;
    let place = this.#placeOf[slot]!;
    if (place < 0) {
      place = this.length++;
      this.#put(slot, place);
    }
    this.#settle(place);
  }

  /** Takes a slot out; one that is not in stays out. */
  remove(slot: number): void {
    const place = this.#placeOf[slot]!;
    if (place < 0) return;
    this.#placeOf[slot] = -1;
    const last = this.#slots[--this.length]!;
    if (last === slot) return;
    this.#put(last, place);
    this.#settle(place);
  }

  #put(slot: number, place: number): void {
    this.#slots[place] = slot;
    this.#placeOf[slot] = place;
  }

  #isBefore(a: number, b: number): boolean {
    const keyA = this.#keys[a]!;
    const keyB = this.#keys[b]!;
    return keyA < keyB || (keyA === keyB && this.#ties[a]! < this.#ties[b]!);
  }

  /** Moves the slot at a place up or down to where it belongs. */
  #settle(from: number): void {
    const slot = this.#slots[from]!;
    let place = from;
    while (place > 0) {
      const above = this.#slots[(place - 1) >> 1]!;
      if (!this.#isBefore(slot, above)) break;
      this.#put(above, place);
      place = (place - 1) >> 1;
    }
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.length) break;
      if (child + 1 < this.length && this.#isBefore(this.#slots[child + 1]!, this.#slots[child]!)) child++;
      const below = this.#slots[child]!;
      if (!this.#isBefore(below, slot)) break;
      this.#put(below, place);
      place = child;
    }
    this.#put(slot, place);
  }
}
