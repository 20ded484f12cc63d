/**
 * Upstreams that failed several times in a row stand aside for a while, longer each time; never more than a share of
 * them, so that what fails everywhere (a network, a deploy) does not leave the rest to carry all. Nothing is allocated.
 */
import { KeyedHeap } from '../lists/keyed-heap.ts';

export type EjectionLimits = {
  /** Failures in a row that eject; 0 never does. */
  failures: number;
  /** How long the first time; n times as long the nth time in a row. */
  baseNs: number;
  mostNs: number;
  /** Of all upstreams, so large a part may be ejected; of two or more, one always. */
  share: number;
};

export const DEFAULT_EJECTION: EjectionLimits = { failures: 5, baseNs: 30e9, mostNs: 300e9, share: 0.1 };

/** spared: it would be ejected, but the share does not allow it. */
export type FailureOutcome = 'counted' | 'spared' | 'ejected';

/** Well for so many times the base after it came back: its next ejection is a first one again. */
const FORGIVEN_AFTER = 10;

export class Ejections {
  readonly #limits: EjectionLimits;
  /** Failed connects, and connections that failed after it, in a row. */
  readonly #connectFailures: Uint8Array;
  readonly #earlyFailures: Uint8Array;
  readonly #times: Uint8Array;
  readonly #backNs: Float64Array;
  readonly #out: KeyedHeap;
  /** Ejections so far. */
  ejectionCount = 0;
  /** Those that the share did not allow. */
  sparedCount = 0;

  constructor(limit: number, limits: EjectionLimits) {
    this.#limits = limits;
    this.#connectFailures = new Uint8Array(limit);
    this.#earlyFailures = new Uint8Array(limit);
    this.#times = new Uint8Array(limit);
    this.#backNs = new Float64Array(limit);
    this.#out = new KeyedHeap(limit);
  }

  /** Ejected now. */
  get count(): number {
    return this.#out.length;
  }

  has(slot: number): boolean {
    return this.#out.has(slot);
  }

  /** A slot is another's from now on. */
  forget(slot: number): void {
    this.#connectFailures[slot] = 0;
    this.#earlyFailures[slot] = 0;
    this.#times[slot] = 0;
    this.#backNs[slot] = 0;
    this.#out.remove(slot);
  }

  connected(slot: number): void {
    this.#connectFailures[slot] = 0;
  }

  /** A connection came to a good end. */
  endedWell(slot: number): void {
    this.#connectFailures[slot] = 0;
    this.#earlyFailures[slot] = 0;
  }

  /** A connect failed, or a connection before its first byte: what that leads to, with so many upstreams. */
  failed(slot: number, isConnect: boolean, upstreamCount: number, nowNs: number): FailureOutcome {
    const failures = isConnect ? this.#connectFailures : this.#earlyFailures;
    if (failures[slot]! < 255) failures[slot]!++;
    const { failures: most, baseNs, mostNs, share } = this.#limits;
    if (most === 0 || failures[slot]! < most || this.#out.has(slot)) return 'counted';
    const room = upstreamCount < 2 ? 0 : Math.max(1, Math.floor(share * upstreamCount));
    if (this.#out.length >= room) {
      this.sparedCount++;
      return 'spared';
    }
    if (nowNs - this.#backNs[slot]! > FORGIVEN_AFTER * baseNs) this.#times[slot] = 0;
    if (this.#times[slot]! < 255) this.#times[slot]!++;
    const backNs = nowNs + Math.min(baseNs * this.#times[slot]!, mostNs);
    this.#backNs[slot] = backNs;
    this.#out.set(slot, backNs);
    this.ejectionCount++;
    return 'ejected';
  }

  /** A slot whose time is over, which is then in again; −1 when there is none. */
  takeDue(nowNs: number): number {
    if (this.#out.lowestKey > nowNs) return -1;
    const slot = this.#out.lowest;
    this.#out.remove(slot);
    // One more failure is enough to send it back.
    const failures = Math.max(0, this.#limits.failures - 1);
    if (this.#connectFailures[slot]! > failures) this.#connectFailures[slot] = failures;
    if (this.#earlyFailures[slot]! > failures) this.#earlyFailures[slot] = failures;
    return slot;
  }

  /** When the next time is over; Infinity for none. */
  get nextNs(): number {
    return this.#out.lowestKey;
  }
}
