/** Ranges of addresses that nest or lie apart, cut into pieces that do not overlap: a look-up is one binary search. */
// Invariants
//  T1  Pieces are sorted by their first address, and the first piece begins at ::.
//  T2  find() allocates nothing.
import { type IpRange, wordsOf } from './cidr.ts';
import type { IpWords } from './ip.ts';

export const NOT_FOUND = -1;

export class IpTable {
  /** Four words a piece: its first address. */
  readonly #starts: Uint32Array;
  readonly #values: Int32Array;

  /**
   * `valueAt` is asked once for each piece, with the numbers of the ranges that hold it, widest first. Of equal ranges
   * the one listed first comes first.
   */
  constructor(ranges: readonly IpRange[], valueAt: (holders: readonly number[]) => number) {
    const pieces = cut(ranges, valueAt);
    this.#starts = new Uint32Array(pieces.length * 4);
    this.#values = new Int32Array(pieces.length);
    for (const [i, { first, value }] of pieces.entries()) {
      this.#starts.set(wordsOf(first), i * 4);
      this.#values[i] = value;
    }
  }

  /** The value of the piece that holds the address. */
  find(words: IpWords): number {
    let low = 0;
    let high = this.#values.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#isAfter(middle, words)) high = middle - 1;
      else low = middle;
    }
    return this.#values[low]!;
  }

  /** Whether a piece begins after the address. */
  #isAfter(piece: number, words: IpWords): boolean {
    const starts = this.#starts;
    for (let i = 0; i < 4; i++) {
      const difference = starts[piece * 4 + i]! - words[i]!;
      if (difference !== 0) return difference > 0;
    }
    return false;
  }
}

type Piece = { first: bigint; value: number };

function cut(ranges: readonly IpRange[], valueAt: (holders: readonly number[]) => number): Piece[] {
  const order = ranges.map((_, i) => i).sort((i, j) => compare(ranges[i]!, ranges[j]!) || i - j);
  const pieces: Piece[] = [];
  const holders: number[] = [];
  const begin = (first: bigint) => {
    if (pieces.at(-1)?.first === first) pieces.pop();
    pieces.push({ first, value: valueAt(holders) });
  };
  const leaveBefore = (limit: bigint | null) => {
    while (holders.length > 0) {
      const { last } = ranges[holders.at(-1)!]!;
      if (limit !== null && last >= limit) return;
      holders.pop();
      if (last < LAST_ADDRESS) begin(last + 1n);
    }
  };
  begin(0n);
  for (const i of order) {
    leaveBefore(ranges[i]!.first);
    holders.push(i);
    begin(ranges[i]!.first);
  }
  leaveBefore(null);
  return pieces.filter(({ value }, i) => i === 0 || value !== pieces[i - 1]!.value);
}

const LAST_ADDRESS = (1n << 128n) - 1n;

/** By where they begin; of those that begin together, the widest first. */
function compare(a: IpRange, b: IpRange): number {
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  return a.last === b.last ? 0 : a.last > b.last ? -1 : 1;
}
