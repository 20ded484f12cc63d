/**
 * Who is an upstream: the one writer of the rows. Every change is O(1) here, and a whole list is put in place piece by
 * piece, so that the loop that does it, or follows it, has no long cycle.
 */
import { LoopscopeError } from '../../../../base/errors.ts';
import { printable } from '../../../../base/printable.ts';
import type { UpstreamSpec } from '../upstream-spec.ts';
import { NameTable } from './name-table.ts';
import { type Health, ROW_STATE, type RowState, type UpstreamRows } from './upstream-rows.ts';

/** Most upstreams at once. */
export const MOST_UPSTREAMS = 30_000;
/** Rows: some to spare, so that a row does not go from hand to hand. */
export const ROW_COUNT = 32_768;
/** Looked at or changed between two looks at the clock. */
const BATCH = 32;

export type UpstreamState = { name: string; weight: number; draining: boolean; health: Health };

export class Roster {
  readonly #rows: UpstreamRows;
  readonly #names: NameTable;
  readonly #limit: number;
  /** Rows without an upstream, a ring: the one that is free for longest is taken. */
  readonly #free: Int32Array;
  #freeStart = 0;
  #freeCount: number;
  /** Which list named a row last. */
  readonly #listOf: Int32Array;
  #list = 0;
  count = 0;

  constructor(rows: UpstreamRows, limit: number = Math.min(MOST_UPSTREAMS, rows.rowCount)) {
    this.#rows = rows;
    this.#limit = limit;
    this.#names = new NameTable(rows.rowCount);
    this.#free = Int32Array.from({ length: rows.rowCount }, (_, row) => row);
    this.#freeCount = rows.rowCount;
    this.#listOf = new Int32Array(rows.rowCount);
  }

  /** Adds an upstream, or gives one that is there this weight, and turns again to one that was draining. Throws USAGE. */
  add({ name, weight }: UpstreamSpec): void {
    const known = this.#names.find(name);
    if (known >= 0) {
      this.#change(known, ROW_STATE.used, weight);
      return;
    }
    if (this.count >= this.#limit) {
      throw new LoopscopeError(
        'USAGE',
        `there are ${this.#limit} upstreams, and no room for more`,
        'remove some first',
      );
    }
    const row = this.#free[this.#freeStart]!;
    this.#freeStart = (this.#freeStart + 1) % this.#free.length;
    this.#freeCount--;
    this.#names.add(row, name);
    this.#rows.assign(row, name, this.#names.hashOf(row), weight);
    this.#listOf[row] = this.#list;
    this.count++;
  }

  /** No more connections go there; those that are open stay. Throws USAGE when there is none of that name. */
  remove(name: string): void {
    this.#remove(this.#find(name));
  }

  /** Throws USAGE as remove() does. */
  reweigh(name: string, weight: number): void {
    const row = this.#find(name);
    this.#change(row, this.#rows.state(row), weight);
  }

  /** Takes an upstream out of turn; it stays listed and checked. add() puts it back. Throws USAGE as remove() does. */
  drain(name: string): void {
    const row = this.#find(name);
    this.#change(row, ROW_STATE.draining, this.#rows.weight(row));
  }

  /** The upstream of a row; null for a free one. */
  at(row: number): UpstreamState | null {
    const name = this.#names.nameOf(row);
    if (name === null) return null;
    const draining = this.#rows.state(row) === ROW_STATE.draining;
    return { name, weight: this.#rows.weight(row), draining, health: this.#rows.health(row) };
  }

  get rowCount(): number {
    return this.#rows.rowCount;
  }

  /**
   * Makes `list` the upstreams, and no others. Each call of the stepper works until `until` on `nowMs`, and returns
   * whether it has finished. An upstream that stays is left as it is but for its weight. Throws USAGE, before anything
   * has changed, when the list is longer than allowed. Another list begun before the end takes this one's place.
   */
  replace(list: readonly UpstreamSpec[], nowMs: () => number): (untilMs: number) => boolean {
    if (list.length > this.#limit) {
      throw new LoopscopeError(
        'USAGE',
        `${list.length} upstreams are more than ${this.#limit}`,
        'list fewer',
      );
    }
    const mine = ++this.#list;
    let marked = 0;
    let swept = 0;
    let added = 0;
    // Those that stay are marked first; then one goes for each that comes, so that there is always room and never a void.
    const step = (): boolean => {
      if (marked < list.length) this.#keep(list[marked++]!, mine);
      else if (swept < this.rowCount && (this.count >= this.#limit || swept <= added))
        this.#sweep(swept++, mine);
      else if (added < list.length) {
        const spec = list[added++]!;
        if (!this.#keep(spec, mine)) this.add(spec);
      } else if (swept < this.rowCount) this.#sweep(swept++, mine);
      else return true;
      return false;
    };
    return (untilMs) => {
      while (this.#list === mine && nowMs() < untilMs) {
        for (let i = 0; i < BATCH; i++) if (step()) return true;
      }
      return this.#list !== mine;
    };
  }

  /** Whether the upstream is there already: then it is the list's, with the list's weight. */
  #keep({ name, weight }: UpstreamSpec, list: number): boolean {
    const row = this.#names.find(name);
    if (row < 0) return false;
    this.#listOf[row] = list;
    this.#change(row, this.#rows.state(row), weight);
    return true;
  }

  #sweep(row: number, list: number): void {
    if (this.#names.nameOf(row) !== null && this.#listOf[row] !== list) this.#remove(row);
  }

  #change(row: number, state: RowState, weight: number): void {
    if (this.#rows.state(row) !== state || this.#rows.weight(row) !== weight)
      this.#rows.change(row, state, weight);
  }

  #remove(row: number): void {
    this.#names.remove(row);
    this.#rows.change(row, ROW_STATE.free, 0);
    this.#free[(this.#freeStart + this.#freeCount++) % this.#free.length] = row;
    this.count--;
  }

  #find(name: string): number {
    const row = this.#names.find(name);
    if (row >= 0) return row;
    throw new LoopscopeError(
      'USAGE',
      `there is no upstream "${printable(name, 120)}"`,
      'list shows those there are',
    );
  }
}
