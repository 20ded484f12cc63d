/** A load thread's part of a replay: what it sends, when, and what it tells afterwards. */
import type { Pace, PaceParts } from '../pace/pace.ts';
import { Expected, type ExpectedTally } from './expected.ts';
import { ReplayPace } from './replay-pace.ts';
import type { RingMemory } from './ring-memory.ts';
import { RingReader } from './ring-reader.ts';
import { Slots } from './slots.ts';

export type ReplaySourceOptions = {
  ring: RingMemory;
  /** False at full speed. */
  isTimed: boolean;
  /** Most requests that wait to be sent. */
  waitingLimit: number;
};

/** Of one thread; structured-clonable. Counts are those of ReplayCounts. */
export type ReplayThreadTally = ExpectedTally & {
  waitedCount: number;
  movedCount: number;
  disorderedCount: number;
  starvedCount: number;
  starvedNsMax: number;
  gaps: Float64Array;
};

export class ReplaySource {
  readonly outgoing: Slots;
  readonly expectation: Expected;
  readonly #ring: RingReader;
  readonly #isTimed: boolean;
  #pace!: ReplayPace;

  constructor(options: ReplaySourceOptions, connectionLimit: number) {
    this.#ring = new RingReader(options.ring);
    this.#isTimed = options.isTimed;
    this.outgoing = new Slots(connectionLimit + options.waitingLimit, this.#ring);
    this.expectation = new Expected(this.outgoing);
  }

  /** Called once, by the driver. */
  createPace(parts: PaceParts): Pace {
    this.#pace = new ReplayPace(parts, this.#ring, this.outgoing, this.#isTimed);
    return this.#pace;
  }

  begin(measuredFromNs: number): void {
    this.expectation.begin(measuredFromNs);
    this.#pace.counts.begin(measuredFromNs);
  }

  tally(): ReplayThreadTally {
    const { waitedCount, movedCount, disorderedCount, starvedCount, starvedNsMax, gaps } = this.#pace.counts;
    return {
      ...this.expectation.tally(),
      waitedCount,
      movedCount,
      disorderedCount,
      starvedCount,
      starvedNsMax,
      gaps,
    };
  }
}
