import { createPrng, type Prng } from '../../base/prng.ts';
import { type Parameters, readParams } from '../parameters.ts';
import type { Arrival, Schedule, ScheduleOptions } from './arrival.ts';
import { createProfile, type Profile } from './profile.ts';

const PARAMETERS = {
  onNs: { kind: 'duration', default: 100e6, min: 1e6, max: 3600e9, summary: 'length of a burst' },
  offNs: {
    kind: 'duration',
    default: 400e6,
    min: 1e6,
    max: 3600e9,
    summary: 'length of the silence after it',
  },
  gaps: {
    kind: 'choice',
    default: 'poisson',
    choices: ['poisson', 'constant'],
    summary: 'how requests are spread within bursts',
  },
} as const satisfies Parameters;

/** Bursts: --rate is the rate within one. The mean over all is less by the share of silence. */
export const onoff = {
  name: 'onoff',
  summary: 'bursts at --rate for on (100ms), then silence for off (400ms)',
  openLoop: true,
  parameters: PARAMETERS,
  expectedCount: (options) => new Bursts(options).total,
  createSchedule,
} satisfies Arrival;

/** Arrivals are laid out on the count axis, which knows no silence, and then moved to where their burst is. */
function createSchedule(options: ScheduleOptions): Schedule {
  const { gaps } = readParams(PARAMETERS, options.params);
  const bursts = new Bursts(options);
  const next = gaps === 'poisson' ? randomCounts : evenCounts;
  const nextCount = next(bursts.total, createPrng(options.seed, options.stream));
  let lastNs = 0;
  return {
    nextPlannedNs() {
      const count = nextCount();
      if (count < 0) return Number.POSITIVE_INFINITY;
      // A ramp's inverse may step back by a rounding where two counts are nearly one.
      lastNs = Math.max(lastNs, bursts.atCountNs(count));
      return lastNs;
    },
  };
}

/** The count axis of a rate that is cut into bursts. */
class Bursts {
  readonly total: number;
  readonly #profile: Profile;
  readonly #periodNs: number;
  readonly #onNs: number;
  readonly #durationNs: number;
  /** The burst in hand, what was due before it, and what is due with it. */
  #index = 0;
  #before = 0;
  #through: number;

  constructor(options: ScheduleOptions) {
    const { onNs, offNs } = readParams(PARAMETERS, options.params);
    this.#profile = createProfile(options);
    this.#onNs = onNs;
    this.#periodNs = onNs + offNs;
    this.#durationNs = options.durationNs;
    this.total = this.#totalOf(options);
    this.#through = this.#countIn(0);
  }

  /** When so many have become due; to be asked with counts that never fall. */
  atCountNs(count: number): number {
    const last = Math.floor(this.#durationNs / this.#periodNs);
    while (count >= this.#through && this.#index < last) {
      // A last burst that makes nothing due is not there.
      const following = this.#countIn(this.#index + 1);
      if (following === 0) break;
      this.#index++;
      this.#before = this.#through;
      this.#through += following;
    }
    const startNs = this.#index * this.#periodNs;
    const atNs = this.#profile.atCountNs(this.#profile.countAt(startNs) + (count - this.#before));
    return Math.min(Math.max(atNs, startNs), startNs + this.#onNs, this.#durationNs);
  }

  #countIn(index: number): number {
    const startNs = index * this.#periodNs;
    const endNs = Math.min(startNs + this.#onNs, this.#durationNs);
    return endNs <= startNs ? 0 : this.#profile.countAt(endNs) - this.#profile.countAt(startNs);
  }

  /** Of the whole bursts k = 0 … n−1, Σ Λ(kP + on) − Λ(kP) with Λ quadratic; and of a last one cut short. */
  #totalOf({ ratePerSec, toRatePerSec = ratePerSec, durationNs }: ScheduleOptions): number {
    const whole =
      Math.floor(Math.max(0, durationNs - this.#onNs) / this.#periodNs) + (durationNs >= this.#onNs ? 1 : 0);
    const slope = (toRatePerSec - ratePerSec) / 1e9 / durationNs;
    const each = (ratePerSec / 1e9) * this.#onNs + (slope * this.#onNs ** 2) / 2;
    const growth = slope * this.#onNs * this.#periodNs;
    return whole * each + (growth * whole * (whole - 1)) / 2 + this.#countIn(whole);
  }
}

/** Order statistics of uniform points, as in poisson.ts; −1 after the last. */
function randomCounts(total: number, prng: Prng): () => number {
  let left = Math.round(total);
  let at = 0;
  return () => {
    if (left === 0) return -1;
    at += (total - at) * -Math.expm1(-prng.exponential(1) / left);
    left--;
    return at;
  };
}

/** A hair late, so that rounding does not put the first request of a burst at the end of the one before. */
function evenCounts(total: number): () => number {
  const count = Math.round(total);
  let index = 0;
  return () => (index < count ? index++ + 1e-6 : -1);
}
