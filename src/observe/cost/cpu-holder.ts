/** Measures what watching takes of a CPU and holds it to the budget: the governor's hands and eyes. */
import { createGovernor, type Level } from './governor.ts';
import { watchProgramTime } from './program-time.ts';

/** What may be armed at most: the observer's CPU budget lowers it. */
export type ArmingLimit = 'all' | 'no-samples' | 'none';

export type CpuHolderOptions = {
  /** Share of one CPU; null: measure alone. */
  budgetShare: number | null;
  programs: ReadonlyMap<string, number>;
  /** What they took when it was last measured for the report: good enough where no budget hangs on it. */
  latestProgramCpus: () => number | null;
  ownCpuNs: () => number;
  nowNs: () => number;
  /** Gives the name of what is armed now. */
  limitArming: (limit: ArmingLimit, why: string) => string;
  onLevel: (level: string, why: string) => void;
  seeCycles: (on: boolean) => void;
};

export type CpuHolder = {
  step(): void;
  /** False in the blind part of sampling. */
  readonly seesCycles: boolean;
  /** The budget is tight: poll less often; blind: there is hardly anything to poll for. */
  readonly tightness: Tightness;
  taken(): { ownCpus: number; programCpus: number | null };
  [Symbol.dispose](): void;
};

export type Tightness = 'none' | 'tight' | 'blind';

const JUDGE_EVERY_NS = 1e9;
/** Starting takes more than watching: it is not held against the budget. */
const FIRST_NS = 500e6;
/** To untie and tie the probes takes CPU too: seldom, then, and more seldom while even that is too much. */
const SHORTEST_PERIOD_NS = 5e9;
const LONGEST_PERIOD_NS = 40e9;
const SAMPLING_SEEN_NS = 500e6;
/** A period half as long takes less than twice as much. */
const SHORTER_WITHIN_SHARE = 0.5;

const ARMING_AT: Record<Level, ArmingLimit> = {
  all: 'all',
  'no-samples': 'no-samples',
  base: 'none',
  sampling: 'none',
};

export function createCpuHolder(options: CpuHolderOptions): CpuHolder {
  const { nowNs, budgetShare } = options;
  const time = budgetShare === null ? null : watchProgramTime(options.programs, nowNs);
  let level: Level = 'all';
  let sees = true;
  let periodStartNs = 0;
  let periodNs = SHORTEST_PERIOD_NS;
  let saidFloor = false;
  let seenCpus: number | null = null;
  let ownCpus = 0;
  const beganNs = nowNs();
  let judgedNs = beganNs;
  let ownAtJudgeNs = 0;

  const see = (on: boolean) => {
    if (on === sees) return;
    // Before the probes go the windows are cut, after they came they begin.
    if (on) sees = true;
    options.seeCycles(on);
    sees = on;
  };
  const governor =
    budgetShare === null
      ? null
      : createGovernor({
          budgetShare,
          onLevel(next, why) {
            level = next;
            const armed = options.limitArming(ARMING_AT[next], why);
            if (next === 'sampling') beginSampling();
            else see(true);
            options.onLevel(next === 'sampling' ? next : armed, why);
          },
        });

  const beginSampling = () => {
    periodStartNs = nowNs();
    periodNs = SHORTEST_PERIOD_NS;
  };

  const sample = (now: number) => {
    if (level === 'sampling') see(now - periodStartNs < SAMPLING_SEEN_NS);
  };

  /** Of late; while sampling, of the whole period. */
  const programsNow = () => {
    if (time === null) return options.latestProgramCpus();
    return seenCpus === null || level !== 'sampling' ? seenCpus : (seenCpus * SAMPLING_SEEN_NS) / periodNs;
  };

  const measure = (now: number) => {
    const ownNs = options.ownCpuNs();
    ownCpus = Math.max(0, ownNs - ownAtJudgeNs) / (now - judgedNs);
    judgedNs = now;
    ownAtJudgeNs = ownNs;
    return ownCpus + (programsNow() ?? 0);
  };

  /** At the end of a period, over all of it: its seen part is dear and its blind part is not. */
  const judgePeriod = (now: number) => {
    const share = measure(now);
    periodStartNs = now;
    const budget = budgetShare!;
    if (share > budget && periodNs < LONGEST_PERIOD_NS) {
      periodNs *= 2;
      options.onLevel('sampling', periodPhrase(share, budget, periodNs));
    } else if (share > budget) {
      if (!saidFloor) options.onLevel('sampling', floorPhrase(share, budget));
      saidFloor = true;
    } else if (share < SHORTER_WITHIN_SHARE * budget && periodNs > SHORTEST_PERIOD_NS) {
      periodNs /= 2;
      options.onLevel('sampling', periodPhrase(share, budget, periodNs));
    } else governor?.step(share, now);
  };

  const judge = (now: number) => {
    if (level === 'sampling') {
      if (now - periodStartNs >= periodNs) judgePeriod(now);
      return;
    }
    const share = measure(now);
    governor?.step(share, now);
  };

  return {
    get seesCycles() {
      return sees;
    },
    get tightness() {
      if (level === 'sampling') return sees ? 'tight' : 'blind';
      return level === 'base' ? 'tight' : 'none';
    },
    step() {
      const now = nowNs();
      sample(now);
      const measured = time?.step() ?? null;
      // What is measured in the blind part says nothing.
      if (measured !== null && sees) seenCpus = measured;
      if (now - beganNs < FIRST_NS) {
        judgedNs = now;
        ownAtJudgeNs = options.ownCpuNs();
      } else if (now - judgedNs >= JUDGE_EVERY_NS) judge(now);
    },
    taken: () => ({ ownCpus, programCpus: programsNow() }),
    [Symbol.dispose]: () => time?.[Symbol.dispose](),
  };
}

const percent = (share: number) => `${Number((share * 100).toPrecision(2))} %`;

function periodPhrase(share: number, budgetShare: number, periodNs: number): string {
  return (
    `the observer took ${percent(share)} of a CPU, of ${percent(budgetShare)} allowed: ` +
    `cycles are seen for ${SAMPLING_SEEN_NS / 1e9} s of every ${periodNs / 1e9} s`
  );
}

function floorPhrase(share: number, budgetShare: number): string {
  return `the observer cannot do with less than ${percent(share)} of a CPU here: its budget of ${percent(budgetShare)} is not held`;
}
