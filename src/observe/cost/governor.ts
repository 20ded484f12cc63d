/**
 * Holds the observer to a share of one CPU. It is measured over and over; above the budget the observer steps down a
 * level at once, and well below it, after a rest, up again. A level that was too dear is tried again ever later, so
 * that it does not swing for ever.
 */

/** From the dearest to the cheapest. */
export const LEVELS = ['all', 'no-samples', 'base', 'sampling'] as const;

export type Level = (typeof LEVELS)[number];

export type GovernorOptions = {
  /** Share of one CPU. */
  budgetShare: number;
  onLevel: (level: Level, why: string) => void;
};

export type Governor = {
  readonly level: Level;
  /** What the observer took of one CPU since the last call, which ended now. */
  step(share: number, nowNs: number): void;
};

/** Far above the budget one measurement is enough; a little above may be chance. */
const FAR_ABOVE = 2;
const TIMES_ABOVE = 2;
/** Up only when what is taken now leaves this much room. */
const ROOM_SHARE = 0.5;
const FIRST_REST_NS = 10e9;
const LONGEST_REST_NS = 300e9;
/** After a change: what is measured until then is of the old level, and of the change itself. */
const SETTLE_NS = 1.5e9;
/** A level that lasted for so long was not too dear when it was left: something else changed. */
const LASTED_NS = 60e9;

const WHAT: Record<Level, string> = {
  all: 'scheduler probes, interrupts and CPU samples may be armed again',
  'no-samples': 'no CPU samples, no interrupts',
  base: 'no scheduler probes: stalls from counters alone',
  sampling: 'cycles are seen in a tenth of the time',
};

export function createGovernor(options: GovernorOptions): Governor {
  const { budgetShare, onLevel } = options;
  let place = 0;
  let aboveCount = 0;
  let restNs = FIRST_REST_NS;
  let changedNs = Number.NEGATIVE_INFINITY;
  let roomSinceNs: number | null = null;
  const percent = (share: number) => `${Number((share * 100).toPrecision(2))} %`;
  const change = (to: number, why: string, nowNs: number) => {
    place = to;
    changedNs = nowNs;
    aboveCount = 0;
    roomSinceNs = null;
    onLevel(LEVELS[place]!, `${why}: ${WHAT[LEVELS[place]!]}`);
  };
  return {
    get level() {
      return LEVELS[place]!;
    },
    step(share, nowNs) {
      if (nowNs - changedNs < SETTLE_NS) return;
      if (share > budgetShare) {
        roomSinceNs = null;
        aboveCount++;
        const isSure = share > FAR_ABOVE * budgetShare || aboveCount >= TIMES_ABOVE;
        if (!isSure || place === LEVELS.length - 1) return;
        if (nowNs - changedNs < LASTED_NS && changedNs > 0) restNs = Math.min(LONGEST_REST_NS, restNs * 2);
        change(
          place + 1,
          `the observer took ${percent(share)} of a CPU, over its budget of ${percent(budgetShare)}`,
          nowNs,
        );
        return;
      }
      aboveCount = 0;
      if (share > ROOM_SHARE * budgetShare || place === 0) {
        roomSinceNs = null;
        return;
      }
      roomSinceNs ??= nowNs;
      if (nowNs - roomSinceNs < restNs) return;
      change(
        place - 1,
        `the observer took ${percent(share)} of a CPU, of ${percent(budgetShare)} allowed`,
        nowNs,
      );
    },
  };
}
