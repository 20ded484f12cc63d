import type { RecordStore } from './record-store.ts';

/** Slots of a store, the earliest start first; of equal ones, the one that came first. Allocates nothing while used. */
export class SlotHeap {
  readonly #store: RecordStore;
  readonly #slots: Uint32Array;
  length = 0;

  constructor(store: RecordStore, capacity: number) {
    this.#store = store;
    this.#slots = new Uint32Array(capacity);
  }

  /** −1 when it is empty. */
  get top(): number {
    return this.length === 0 ? -1 : this.#slots[0]!;
  }

  push(slot: number): void {
    const slots = this.#slots;
    const { startNs, sequence } = this.#store;
    const start = startNs[slot]!;
    const order = sequence[slot]!;
    let at = this.length++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = slots[parent]!;
      const aboveNs = startNs[above]!;
      if (aboveNs < start || (aboveNs === start && sequence[above]! < order)) break;
      slots[at] = above;
      at = parent;
    }
    slots[at] = slot;
  }

  /** Takes the first out; not to be asked of an empty one. */
  pop(): number {
    const slots = this.#slots;
    const { startNs, sequence } = this.#store;
    const first = slots[0]!;
    const last = slots[--this.length]!;
    const lastNs = startNs[last]!;
    const { length } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      let below = slots[child]!;
      if (child + 1 < length) {
        const other = slots[child + 1]!;
        const belowNs = startNs[below]!;
        const otherNs = startNs[other]!;
        if (otherNs < belowNs || (otherNs === belowNs && sequence[other]! < sequence[below]!)) {
          child++;
          below = other;
        }
      }
      const belowNs = startNs[below]!;
      if (belowNs > lastNs || (belowNs === lastNs && sequence[below]! > sequence[last]!)) break;
      slots[at] = below;
      at = child;
    }
    slots[at] = last;
    return first;
  }
}
