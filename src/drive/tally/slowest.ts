import type { OutcomeKind, OutcomeRecord } from '../../record/load.ts';

export const SLOWEST_LIMIT = 200;
const FIELDS = 6;
const KINDS: readonly OutcomeKind[] = ['ok', 'wrong', 'error', 'timeout', 'unsent', 'unfinished'];

/**
 * The slowest requests so far: a binary heap with the least slow at its root, in one array. Nearly every request is
 * turned away by one comparison with `floorNs`.
 */
export class Slowest {
  /** Response times up to this are not among the slowest. */
  floorNs = Number.NEGATIVE_INFINITY;
  readonly #rows = new Float64Array(SLOWEST_LIMIT * FIELDS);
  #count = 0;

  /** Times are ns since run start; 0 for "never" in sent, firstByte and done. */
  offer(
    responseNs: number,
    plannedNs: number,
    sentNs: number,
    firstByteNs: number,
    doneNs: number,
    kind: OutcomeKind,
  ): void {
    if (responseNs <= this.floorNs) return;
    const row = this.#count < SLOWEST_LIMIT ? this.#count++ : 0;
    const at = row * FIELDS;
    const rows = this.#rows;
    rows[at] = responseNs;
    rows[at + 1] = plannedNs;
    rows[at + 2] = sentNs;
    rows[at + 3] = firstByteNs;
    rows[at + 4] = doneNs;
    rows[at + 5] = KINDS.indexOf(kind);
    if (row === 0) this.#siftDown();
    else this.#siftUp(row);
    if (this.#count === SLOWEST_LIMIT) this.floorNs = rows[0]!;
  }

  /** Slowest first. */
  records(): { responseNs: number; outcome: OutcomeRecord }[] {
    const all = Array.from({ length: this.#count }, (_, i) => {
      const [responseNs, plannedNs, sentNs, firstByteNs, doneNs, kind] = this.#rows.subarray(
        i * FIELDS,
        (i + 1) * FIELDS,
      );
      const outcome: OutcomeRecord = {
        plannedNs: plannedNs!,
        sentNs: orNull(sentNs!),
        firstByteNs: orNull(firstByteNs!),
        doneNs: orNull(doneNs!),
        kind: KINDS[kind!]!,
      };
      return { responseNs: responseNs!, outcome };
    });
    return all.sort((a, b) => b.responseNs - a.responseNs);
  }

  #siftUp(from: number): void {
    let row = from;
    while (row > 0) {
      const parent = (row - 1) >> 1;
      if (this.#key(parent) <= this.#key(row)) return;
      this.#swap(parent, row);
      row = parent;
    }
  }

  #siftDown(): void {
    let row = 0;
    for (;;) {
      let least = row;
      for (let child = row * 2 + 1; child <= row * 2 + 2; child++) {
        if (child < this.#count && this.#key(child) < this.#key(least)) least = child;
      }
      if (least === row) return;
      this.#swap(least, row);
      row = least;
    }
  }

  #key(row: number): number {
    return this.#rows[row * FIELDS]!;
  }

  #swap(a: number, b: number): void {
    for (let i = 0; i < FIELDS; i++) {
      const kept = this.#rows[a * FIELDS + i]!;
      this.#rows[a * FIELDS + i] = this.#rows[b * FIELDS + i]!;
      this.#rows[b * FIELDS + i] = kept;
    }
  }
}

function orNull(atNs: number): number | null {
  return atNs === 0 ? null : atNs;
}
