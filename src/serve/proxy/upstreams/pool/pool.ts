/**
 * The upstreams as one worker sees them: it follows the shared rows, picks, and keeps those aside that fail. One pool for
 * each loop; they share what the roster and the checker write, and nothing else.
 */
// Invariants
//  P1  A slot stands for one upstream until that has left the rows and its last connection is released.
//  P2  pick() and what follows it allocate nothing; names and addresses are made once for each slot, when first asked for.
//  P3  turn() does a bounded piece of work, and says so when more is due.

import type { Address } from '../../../../base/address.ts';
import { assert } from '../../../../base/assert.ts';
import { ERRNO } from '../../../../kernel/errno.ts';
import type { BalanceMethod, Balancer } from '../balance/balancer.ts';
import { LogReader } from '../rows/change-log.ts';
import { HEALTH, ROW_STATE, type UpstreamRows } from '../rows/upstream-rows.ts';
import { addressOfName } from '../upstream-spec.ts';
import { NO_UPSTREAM, type Upstreams } from '../upstreams.ts';
import { DEFAULT_EJECTION, type EjectionLimits, Ejections } from './ejections.ts';
import { SlowStart } from './slow-start.ts';

export type PoolOptions = {
  rows: UpstreamRows;
  method: BalanceMethod;
  /** Of its own for each worker: where it begins among equals. */
  seed: number;
  ejection?: EjectionLimits;
  slowStartNs?: number;
  /** With a smaller part of the upstreams fit, all are picked, fit or not. */
  panicShare?: number;
};

export const DEFAULT_SLOW_START_NS = 10e9;
export const DEFAULT_PANIC_SHARE = 0.2;

/** Slots for upstreams that have left, with connections still open. */
const LEAVING_SLOTS = 4096;
/** Changes taken up in one cycle: a fifth of a millisecond or so. */
const MOST_CHANGES = 128;
const NO_SLOT = -1;

export class UpstreamPool implements Upstreams {
  readonly #rows: UpstreamRows;
  readonly #takesWeights: boolean;
  readonly #panicShare: number;
  readonly #changes: LogReader;
  readonly #verdicts: LogReader;
  /** Those that are up and not ejected; and all that are not draining. */
  readonly #fit: Balancer;
  readonly #all: Balancer;
  readonly #ejections: Ejections;
  readonly #slowStart: SlowStart;

  readonly #slotOf: Int32Array;
  readonly #rowOf: Int32Array;
  readonly #versions: Int32Array;
  readonly #connections: Int32Array;
  /** Of the connections, those that failed and are not released yet. */
  readonly #failing: Int32Array;
  readonly #isDown: Uint8Array;
  readonly #weights: Float64Array;
  readonly #names: (string | null)[];
  readonly #addresses: (Address | null)[];
  readonly #freeSlots: Int32Array;
  #freeCount: number;
  /** A row found no slot: all are looked at again when there is one. */
  #isShort = false;
  #hasBegun = false;
  /** When the last turn() was: the clock of whoever turns. */
  #turnNs = 0;
  /** Picks made among all, because too few were fit. */
  panicPickCount = 0;

  constructor(options: PoolOptions) {
    const { rows, method, seed } = options;
    const limit = rows.rowCount + LEAVING_SLOTS;
    this.#rows = rows;
    this.#takesWeights = method.takesWeights;
    this.#panicShare = options.panicShare ?? DEFAULT_PANIC_SHARE;
    this.#changes = new LogReader(rows.changes, rows.rowCount);
    this.#verdicts = new LogReader(rows.verdicts, rows.rowCount, 'news');
    this.#fit = method.create(limit, seed);
    this.#all = method.create(limit, seed);
    this.#ejections = new Ejections(limit, options.ejection ?? DEFAULT_EJECTION);
    this.#slowStart = new SlowStart(limit, options.slowStartNs ?? DEFAULT_SLOW_START_NS);
    this.#slotOf = new Int32Array(rows.rowCount).fill(NO_SLOT);
    this.#rowOf = new Int32Array(limit).fill(-1);
    this.#versions = new Int32Array(limit);
    this.#connections = new Int32Array(limit);
    this.#failing = new Int32Array(limit);
    this.#isDown = new Uint8Array(limit);
    this.#weights = new Float64Array(limit);
    this.#names = new Array<string | null>(limit).fill(null);
    this.#addresses = new Array<Address | null>(limit).fill(null);
    this.#freeSlots = Int32Array.from({ length: limit }, (_, i) => limit - 1 - i);
    this.#freeCount = limit;
    while (this.#changes.isBehind) this.#followRow(this.#changes.next());
    this.#hasBegun = true;
  }

  /** Upstreams that are not draining, and of these the fit ones. */
  get upstreamCount(): number {
    return this.#all.length;
  }
  get fitCount(): number {
    return this.#fit.length;
  }
  get ejectedCount(): number {
    return this.#ejections.count;
  }
  get ejectionCount(): number {
    return this.#ejections.ejectionCount;
  }

  pick(key: number, except: number): number {
    const isPanic = this.#fit.length < this.#panicShare * this.#all.length;
    if (isPanic) this.panicPickCount++;
    const balancer = isPanic ? this.#all : this.#fit;
    let slot = balancer.pick(key);
    if (slot === except && slot !== NO_UPSTREAM) slot = this.#pickOther(balancer, key, except);
    if (slot === NO_UPSTREAM) return NO_UPSTREAM;
    this.#connections[slot]!++;
    this.#tellLoad(slot);
    return slot;
  }

  addressOf(upstream: number): Address {
    return (this.#addresses[upstream] ??= addressOfName(this.nameOf(upstream)));
  }

  nameOf(upstream: number): string {
    const known = this.#names[upstream];
    if (known !== null && known !== undefined) return known;
    const name = this.#rows.name(this.#rowOf[upstream]!, this.#versions[upstream]!);
    // The row has gone to another in this very cycle: a connect to this port fails at once, and another is tried.
    this.#names[upstream] = name ?? '0.0.0.0:0';
    return this.#names[upstream]!;
  }

  succeeded(upstream: number): void {
    this.#ejections.connected(upstream);
  }

  failed(upstream: number, errno: number): void {
    this.#failing[upstream]!++;
    if (!this.#isCurrent(upstream)) return;
    const isConnect = CONNECT_ERRNOS.has(errno);
    const nowNs = this.#turnNs;
    const outcome = this.#ejections.failed(upstream, isConnect, this.#all.length, nowNs);
    if (outcome === 'counted') return;
    // Nobody more may be ejected: it begins again with a tenth, lest it win for having no connections.
    if (outcome === 'spared') this.#slowStart.begin(upstream, nowNs);
    this.#weigh(upstream);
  }

  released(upstream: number): void {
    assert(this.#connections[upstream]! > 0, 'P1');
    this.#connections[upstream]!--;
    if (this.#failing[upstream]! > 0) this.#failing[upstream]!--;
    else this.#ejections.endedWell(upstream);
    if (this.#isCurrent(upstream)) this.#tellLoad(upstream);
    else if (this.#connections[upstream] === 0) this.#free(upstream);
  }

  turn(nowNs: number): number {
    this.#turnNs = nowNs;
    let left = MOST_CHANGES;
    while (left > 0 && this.#changes.isBehind) {
      this.#followRow(this.#changes.next());
      left--;
    }
    while (left > 0 && this.#verdicts.isBehind) {
      this.#followVerdict(this.#verdicts.next());
      left--;
    }
    for (; left > 0; left--) {
      const slot = this.#ejections.takeDue(nowNs);
      if (slot < 0) break;
      this.#slowStart.begin(slot, nowNs);
      this.#weigh(slot);
    }
    for (; left > 0; left--) {
      const slot = this.#slowStart.takeDue(nowNs);
      if (slot < 0) break;
      this.#weigh(slot);
    }
    if (left === 0) return 0;
    return Math.max(0, Math.min(this.#ejections.nextNs, this.#slowStart.nextNs) - nowNs);
  }

  [Symbol.dispose](): void {}

  #followRow(row: number): void {
    const version = this.#rows.version(row);
    // Being written: its log entry is still to come.
    if ((version & 1) === 1) return;
    const isListed = this.#rows.state(row) !== ROW_STATE.free;
    let slot = this.#slotOf[row]!;
    if (slot !== NO_SLOT && (!isListed || this.#versions[slot] !== version)) {
      this.#leave(slot, row);
      slot = NO_SLOT;
    }
    if (!isListed) return;
    if (slot === NO_SLOT) slot = this.#enter(row, version);
    if (slot === NO_SLOT) return;
    this.#weights[slot] = this.#rows.state(row) === ROW_STATE.draining ? 0 : this.#rows.weight(row);
    this.#weigh(slot);
  }

  #followVerdict(row: number): void {
    const slot = this.#slotOf[row]!;
    if (slot === NO_SLOT || this.#versions[slot] !== this.#rows.version(row)) return;
    const isDown = this.#rows.health(row) === HEALTH.down ? 1 : 0;
    if (isDown === this.#isDown[slot]) return;
    this.#isDown[slot] = isDown;
    if (isDown === 0) this.#slowStart.begin(slot, this.#turnNs);
    this.#weigh(slot);
  }

  #enter(row: number, version: number): number {
    if (this.#freeCount === 0) {
      this.#isShort = true;
      return NO_SLOT;
    }
    const slot = this.#freeSlots[--this.#freeCount]!;
    this.#slotOf[row] = slot;
    this.#rowOf[slot] = row;
    this.#versions[slot] = version;
    this.#isDown[slot] = this.#rows.health(row) === HEALTH.down ? 1 : 0;
    // Those that are here from the start have nobody to be spared by.
    if (this.#hasBegun) this.#slowStart.begin(slot, this.#turnNs);
    return slot;
  }

  #leave(slot: number, row: number): void {
    this.#slotOf[row] = NO_SLOT;
    this.#weights[slot] = 0;
    this.#weigh(slot);
    this.#slowStart.end(slot);
    this.#ejections.forget(slot);
    // Its name is still wanted, and its row may soon be another's.
    if (this.#connections[slot]! > 0) this.nameOf(slot);
    this.#rowOf[slot] = -1;
    if (this.#connections[slot] === 0) this.#free(slot);
  }

  #free(slot: number): void {
    this.#names[slot] = null;
    this.#addresses[slot] = null;
    this.#failing[slot] = 0;
    this.#ejections.forget(slot);
    this.#freeSlots[this.#freeCount++] = slot;
    if (!this.#isShort) return;
    this.#isShort = false;
    this.#changes.restart();
  }

  #isCurrent(slot: number): boolean {
    return this.#rowOf[slot] !== -1;
  }

  /** Tells both balancers what a slot weighs now. */
  #weigh(slot: number): void {
    const base = this.#takesWeights ? this.#weights[slot]! : Math.min(1, this.#weights[slot]!);
    const weight = base * this.#slowStart.share(slot, this.#turnNs);
    const isFit = this.#isDown[slot] === 0 && !this.#ejections.has(slot);
    const nameHash = this.#rowOf[slot] === -1 ? 0 : this.#rows.nameHash(this.#rowOf[slot]!);
    this.#all.set(slot, weight, nameHash);
    this.#fit.set(slot, isFit ? weight : 0, nameHash);
    this.#tellLoad(slot);
  }

  #tellLoad(slot: number): void {
    this.#fit.load(slot, this.#connections[slot]!);
    this.#all.load(slot, this.#connections[slot]!);
  }

  /** Picks with one left out for the moment: of all, if it is the only fit one. NO_UPSTREAM when it is alone. */
  #pickOther(wanted: Balancer, key: number, except: number): number {
    const balancer = wanted.length < 2 ? this.#all : wanted;
    if (balancer.length < 2) return NO_UPSTREAM;
    const nameHash = this.#rows.nameHash(this.#rowOf[except]!);
    balancer.set(except, 0, nameHash);
    const slot = balancer.pick(key);
    this.#weigh(except);
    return slot;
  }
}

/** What connect(2) itself fails with; everything else came after it. */
const CONNECT_ERRNOS: ReadonlySet<number> = new Set([
  ERRNO.ECONNREFUSED,
  ERRNO.ETIMEDOUT,
  ERRNO.EHOSTUNREACH,
  ERRNO.ENETUNREACH,
  ERRNO.EADDRNOTAVAIL,
  ERRNO.ENOENT,
  ERRNO.EACCES,
]);
