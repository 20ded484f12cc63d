/** Measures what watching takes of a CPU and holds it to the budget: the governor's hands and eyes. */
import type { ArmingLimit } from './arming.ts';
import { createGovernor, type Level } from './governor.ts';
import { watchProgramTime } from './program-time.ts';

export type CpuHolderOptions = {
  /** Share of one CPU; null: measure alone. */
  budgetShare: number | null;
  /** Somebody wants to know the figures as they come. Without that and without a budget nothing is measured here. */
  isWatched: boolean;
  programs: ReadonlyMap<string, number>;
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
  /** The budget is tight: poll less often. */
  readonly isTight: boolean;
  taken(): { ownCpus: number; programCpus: number | null };
  [Symbol.dispose](): void;
};

const JUDGE_EVERY_NS = 1e9;
/** Starting takes more than watching: it is not held against the budget. */
const FIRST_NS = 500e6;
/** To untie and tie the probes takes CPU too: seldom, then. */
const SAMPLING_PERIOD_NS = 5e9;
const SAMPLING_SEEN_NS = 500e6;

const ARMING_AT: Record<Level, ArmingLimit> = {
  all: 'all',
  'no-samples': 'no-samples',
  base: 'none',
  sampling: 'none',
};

export function createCpuHolder(options: CpuHolderOptions): CpuHolder {
  const { nowNs, budgetShare } = options;
  const isActive = budgetShare !== null || options.isWatched;
  const time = isActive ? watchProgramTime(options.programs, nowNs) : null;
  let level: Level = 'all';
  let sees = true;
  let periodStartNs = 0;
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
            if (next === 'sampling') periodStartNs = nowNs();
            else see(true);
            options.onLevel(next === 'sampling' ? next : armed, why);
          },
        });

  const sample = (now: number) => {
    if (level !== 'sampling') return;
    const phaseNs = (now - periodStartNs) % SAMPLING_PERIOD_NS;
    see(phaseNs < SAMPLING_SEEN_NS);
  };

  /** Of late; while sampling, of the whole period. */
  const programsNow = () =>
    seenCpus === null || level !== 'sampling' ? seenCpus : (seenCpus * SAMPLING_SEEN_NS) / SAMPLING_PERIOD_NS;

  const judge = (now: number) => {
    const ownNs = options.ownCpuNs();
    const spanNs = now - judgedNs;
    judgedNs = now;
    ownCpus = Math.max(0, ownNs - ownAtJudgeNs) / spanNs;
    ownAtJudgeNs = ownNs;
    governor?.step(ownCpus + (programsNow() ?? 0), now);
  };

  return {
    get seesCycles() {
      return sees;
    },
    get isTight() {
      return level === 'base' || level === 'sampling';
    },
    step() {
      if (time === null) return;
      const now = nowNs();
      sample(now);
      const measured = time.step();
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
