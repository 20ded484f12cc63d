/**
 * The upstreams in memory that a master, its workers and the checker share: a row each, written by the roster, and what
 * the checks say of it, written by the checker. Two logs tell the readers what changed.
 */
// Invariants
//  U1  One roster writes version, state, weight, hash and name; one checker writes health.
//  U2  version is odd while a row is being given to another upstream, and higher by two afterwards: it says which
//      upstream the row stands for. A reader reads it before and after the name.
//  U3  health names the version that was checked: what is said of an earlier upstream of the row counts for nothing.
import { ChangeLog, LOG_WORDS } from './change-log.ts';

export const ROW_STATE = { free: 0, used: 1, draining: 2 } as const;
export const HEALTH = { unknown: 0, up: 1, down: 2 } as const;

export type RowState = (typeof ROW_STATE)[keyof typeof ROW_STATE];
export type Health = (typeof HEALTH)[keyof typeof HEALTH];

/** What the checker tells of itself, doubles. */
export const STAT = {
  checked: 0,
  begun: 1,
  failed: 2,
  missed: 3,
  capped: 4,
  shortages: 5,
  underWay: 6,
  binMean: 7,
  binMost: 8,
  dispersion: 9,
} as const;
const STAT_WORDS = 16;

/** Words of a row. */
const WORD = { version: 0, state: 1, weight: 2, nameHash: 3, nameBytes: 4, health: 5, name: 8 } as const;
const ROW_WORDS = 40;
export const MOST_NAME_BYTES: number = (ROW_WORDS - WORD.name) * 4;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class UpstreamRows {
  readonly rowCount: number;
  /** Changes of the roster. */
  readonly changes: ChangeLog;
  /** Changes of health. */
  readonly verdicts: ChangeLog;
  readonly stats: Float64Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  /** Over memory of byteLength(rowCount), zeroed when it is new. */
  constructor(buffer: ArrayBufferLike, rowCount: number) {
    this.rowCount = rowCount;
    this.stats = new Float64Array(buffer, 0, STAT_WORDS);
    const logs = STAT_WORDS * 8;
    this.changes = new ChangeLog(new Int32Array(buffer, logs, LOG_WORDS));
    this.verdicts = new ChangeLog(new Int32Array(buffer, logs + LOG_WORDS * 4, LOG_WORDS));
    const start = logs + 2 * LOG_WORDS * 4;
    this.#words = new Int32Array(buffer, start, rowCount * ROW_WORDS);
    this.#bytes = new Uint8Array(buffer, start, rowCount * ROW_WORDS * 4);
  }

  static byteLength(rowCount: number): number {
    return STAT_WORDS * 8 + (2 * LOG_WORDS + rowCount * ROW_WORDS) * 4;
  }

  version(row: number): number {
    return Atomics.load(this.#words, row * ROW_WORDS + WORD.version);
  }

  state(row: number): RowState {
    return this.#words[row * ROW_WORDS + WORD.state] as RowState;
  }

  weight(row: number): number {
    return this.#words[row * ROW_WORDS + WORD.weight]!;
  }

  nameHash(row: number): number {
    return this.#words[row * ROW_WORDS + WORD.nameHash]! >>> 0;
  }

  health(row: number): Health {
    const word = Atomics.load(this.#words, row * ROW_WORDS + WORD.health);
    return word >> 2 === this.version(row) ? ((word & 3) as Health) : HEALTH.unknown;
  }

  /** The name, or null when the row is no longer the one of `version`. Allocates. */
  name(row: number, version: number): string | null {
    const start = row * ROW_WORDS * 4 + WORD.name * 4;
    const length = Math.min(this.#words[row * ROW_WORDS + WORD.nameBytes]!, MOST_NAME_BYTES);
    const name = decoder.decode(this.#bytes.slice(start, start + length));
    return this.version(row) === version ? name : null;
  }

  /** By the roster: the row stands for this upstream from now on. */
  assign(row: number, name: string, nameHash: number, weight: number): void {
    const at = row * ROW_WORDS;
    const version = this.#words[at + WORD.version]!;
    Atomics.store(this.#words, at + WORD.version, version + 1);
    const start = at * 4 + WORD.name * 4;
    const { written } = encoder.encodeInto(name, this.#bytes.subarray(start, start + MOST_NAME_BYTES));
    this.#words[at + WORD.nameBytes] = written;
    this.#words[at + WORD.nameHash] = nameHash;
    this.#words[at + WORD.weight] = weight;
    this.#words[at + WORD.state] = ROW_STATE.used;
    Atomics.store(this.#words, at + WORD.version, version + 2);
    this.changes.append(row);
  }

  /** By the roster. */
  change(row: number, state: RowState, weight: number): void {
    this.#words[row * ROW_WORDS + WORD.weight] = weight;
    this.#words[row * ROW_WORDS + WORD.state] = state;
    this.changes.append(row);
  }

  /** By the checker: what it found of the upstream of that version. */
  judge(row: number, version: number, health: Health): void {
    Atomics.store(this.#words, row * ROW_WORDS + WORD.health, (version << 2) | health);
    this.verdicts.append(row);
  }
}
