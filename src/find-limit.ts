/**
 * The highest rate at which a server keeps a promise ("p99<20ms"). Doubles the rate until the promise breaks, then
 * halves the gap. A single run near the limit is a coin toss, so what is close is measured again, and the answer is
 * confirmed. When the client gives out first, that is the answer: the server's limit is then above, and unknown.
 */
import { LoopscopeError } from './base/errors.ts';
import { formatCount, formatShare } from './base/units.ts';
import { diagnose } from './diagnose/diagnose.ts';
import type { SelfCheck, SelfVerdict } from './diagnose/finding.ts';
import { judgeThresholds } from './diagnose/thresholds/judge-thresholds.ts';
import type { Threshold, ThresholdResult } from './diagnose/thresholds/threshold.ts';
import type { Run } from './record/run.ts';

export type FindLimitOptions = {
  /**
   * Measures once, in open loop at that rate. `attempt` counts the runs of the search from 0: a seed of its own keeps
   * repeated runs from repeating the same chance.
   */
  measureAt: (ratePerSec: number, attempt: number) => Promise<Run>;
  /** What must be true of a run: parseThresholds([...], '--find-limit'). All of them. */
  goals: readonly Threshold[];
  startRatePerSec: number;
  /** Default 1 and 1 000 000. */
  minRatePerSec?: number;
  maxRatePerSec?: number;
  /** Ends when the rate that fails is at most this much above the one that holds. Default 0.03. */
  relativeWidth?: number;
  /** Most runs. Default 40. */
  maxRuns?: number;
  /** Most runs at one rate when they contradict each other, and how often the answer must have held. Default 3. */
  repeats?: number;
  onStep?: (step: LimitStep) => void;
  signal?: AbortSignal;
};

/** held, failed: the goals, in a sound run. client: the client could not drive it. unjudged: the run cannot tell. */
export type StepOutcome = 'held' | 'failed' | 'client' | 'unjudged';

export type LimitStep = {
  ratePerSec: number;
  outcome: StepOutcome;
  /** Requests that came to an end ÷ planned. */
  achievedShare: number;
  goals: ThresholdResult[];
  self: SelfVerdict;
  /** The goals' limits lie outside the intervals of their figures. */
  sure: boolean;
  why: string;
};

export type LimitEnd =
  | 'found'
  | 'client-limit'
  | 'above-maximum'
  | 'below-minimum'
  | 'run-limit'
  | 'unjudged'
  | 'interrupted';

export type LimitResult = {
  ended: LimitEnd;
  /** The highest rate that held, and was confirmed when `ended` is found. Null: none did. */
  ratePerSec: number | null;
  /** The lowest rate above it that did not hold. */
  failsAtPerSec: number | null;
  /** failsAt ÷ rate − 1. */
  relativeWidth: number | null;
  /** Every run, in order. */
  steps: LimitStep[];
  /** One sentence. */
  why: string;
};

/** Below this share the server did not take the rate, whatever the goals say. */
const ACHIEVED_MIN = 0.99;

/** VOID checks that speak of the client, not of the server. */
const CLIENT_CHECKS = [
  'conservation',
  'three-clocks',
  'lateness',
  'arrival-shape',
  'client-cpu',
  'client-run-queue',
  'client-queueing',
  'client-throttled',
];

/** Searches. Throws USAGE for options that cannot be searched with; what measureAt throws is passed on. */
export async function findLimit(options: FindLimitOptions): Promise<LimitResult> {
  return new Search(options).run();
}

class Search {
  readonly #options: FindLimitOptions;
  readonly #min: number;
  readonly #max: number;
  readonly #width: number;
  readonly #maxRuns: number;
  readonly #repeats: number;
  readonly #steps: LimitStep[] = [];
  /** Rates that held, rising; the last is the best. */
  #held: number[] = [];
  #failed: number | null = null;

  constructor(options: FindLimitOptions) {
    this.#options = options;
    this.#min = options.minRatePerSec ?? 1;
    this.#max = options.maxRatePerSec ?? 1e6;
    this.#width = options.relativeWidth ?? 0.03;
    this.#maxRuns = options.maxRuns ?? 40;
    this.#repeats = options.repeats ?? 3;
    const start = options.startRatePerSec;
    if (options.goals.length === 0) throw usage('nothing to hold', `try --find-limit 'p99<20ms'`);
    if (!(this.#min > 0 && this.#min <= start && start <= this.#max)) {
      throw usage(
        `the first rate ${start} is not from ${this.#min} to ${this.#max} per second`,
        'change --rate',
      );
    }
    if (!(this.#width > 0 && this.#repeats >= 1 && this.#maxRuns >= 1)) {
      throw usage('the width and the numbers of runs must be above 0', '');
    }
  }

  async run(): Promise<LimitResult> {
    const stopped = (await this.#bracket()) ?? (await this.#narrow());
    return this.#result(stopped);
  }

  get #best(): number | null {
    return this.#held.at(-1) ?? null;
  }

  /** Doubles up from the first rate, or halves down from it. Null once there is a rate on either side. */
  async #bracket(): Promise<LimitEnd | null> {
    let rate = this.#options.startRatePerSec;
    for (;;) {
      const outcome = await this.#tryRate(rate);
      if (outcome !== 'held' && outcome !== 'failed' && outcome !== 'unjudged') return outcome;
      // Too few requests to judge by: a higher rate has more.
      const up = outcome === 'held' || (outcome === 'unjudged' && this.#failed === null);
      if (outcome === 'held') this.#held.push(rate);
      if (outcome === 'failed') this.#failed = rate;
      if (outcome === 'unjudged' && !up) return 'unjudged';
      if (this.#best !== null && this.#failed !== null) return null;
      if (up && rate >= this.#max) return outcome === 'unjudged' ? 'unjudged' : 'above-maximum';
      if (!up && rate <= this.#min) return 'below-minimum';
      rate = up ? Math.min(this.#max, rate * 2) : Math.max(this.#min, rate / 2);
    }
  }

  /** Bisects; then confirms the best rate, and steps back to a lower one when it does not hold again. */
  async #narrow(): Promise<LimitEnd> {
    const confirmed = new Map<number, number>();
    for (;;) {
      const low = this.#best;
      const high = this.#failed!;
      if (low === null) return 'below-minimum';
      if (high / low - 1 > this.#width) {
        const middle = Math.sqrt(low * high);
        const outcome = await this.#tryRate(middle);
        if (outcome === 'held') this.#held.push(middle);
        else if (outcome === 'failed') this.#failed = middle;
        else return outcome;
        continue;
      }
      const times = confirmed.get(low) ?? 0;
      if (times >= this.#repeats - 1) return 'found';
      const outcome = await this.#tryRate(low);
      if (outcome === 'held') confirmed.set(low, times + 1);
      else if (outcome === 'failed') {
        this.#failed = low;
        this.#held.pop();
      } else return outcome;
    }
  }

  /**
   * Measures at a rate until two runs agree, or one is clear. A client that gives out once may have been disturbed;
   * twice, it is its limit.
   */
  async #tryRate(ratePerSec: number): Promise<'held' | 'failed' | 'unjudged' | LimitEnd> {
    const counts: Record<StepOutcome, number> = { held: 0, failed: 0, client: 0, unjudged: 0 };
    const enough = Math.ceil((this.#repeats + 1) / 2);
    for (let turn = 0; turn < this.#repeats; turn++) {
      if (this.#options.signal?.aborted) return 'interrupted';
      if (this.#steps.length >= this.#maxRuns) return 'run-limit';
      const run = await this.#options.measureAt(ratePerSec, this.#steps.length);
      if (this.#options.signal?.aborted) return 'interrupted';
      const step = judgeStep(run, ratePerSec, this.#options.goals);
      this.#steps.push(step);
      this.#options.onStep?.(step);
      counts[step.outcome]++;
      if (step.outcome === 'unjudged') return 'unjudged';
      if (turn === 0 && step.outcome !== 'client' && step.sure) return step.outcome;
      if (counts[step.outcome] >= enough) break;
    }
    if (counts.client >= enough || counts.held + counts.failed === 0) return 'client-limit';
    // Undecided counts as not held: the answer is a promise.
    return counts.held > counts.failed ? 'held' : 'failed';
  }

  #result(ended: LimitEnd): LimitResult {
    const ratePerSec = this.#best;
    const failsAtPerSec = this.#failed;
    const relativeWidth =
      ratePerSec !== null && failsAtPerSec !== null ? failsAtPerSec / ratePerSec - 1 : null;
    const why = explain(ended, ratePerSec, failsAtPerSec, this.#steps);
    return { ended, ratePerSec, failsAtPerSec, relativeWidth, steps: this.#steps, why };
  }
}

/** One run against the goals. The client's failure comes first: it would make any goal look broken. */
export function judgeStep(run: Run, ratePerSec: number, goals: readonly Threshold[]): LimitStep {
  const { self } = diagnose(run);
  const results = judgeThresholds(run, goals, self.checks);
  const counts = run.load?.counts;
  const ended = counts ? counts.ok + counts.wrong + counts.error + counts.timeout : 0;
  const achievedShare = counts && counts.planned > 0 ? ended / counts.planned : 0;
  const base = { ratePerSec, achievedShare, goals: results, self: self.verdict };
  const client = self.checks.find(isClientFailure);
  if (client) return { ...base, outcome: 'client', sure: true, why: `${client.name}: ${client.text}` };
  if (achievedShare < ACHIEVED_MIN) {
    const why = `only ${formatShare(achievedShare)} of the planned requests came to an end`;
    return { ...base, outcome: 'failed', sure: true, why };
  }
  const broken = results.find((result) => result.outcome === 'held');
  if (broken) {
    return { ...base, outcome: 'failed', sure: broken.sure !== false, why: `${broken.text}: ${broken.why}` };
  }
  const open = results.find((result) => result.outcome === 'unjudged');
  if (open) return { ...base, outcome: 'unjudged', sure: true, why: `${open.text}: ${open.why}` };
  const sure = results.every((result) => result.sure !== false);
  return {
    ...base,
    outcome: 'held',
    sure,
    why: results.map(({ text, why }) => `${text}: ${why}`).join('; '),
  };
}

/** rate-held is the client's failure only when it spoils response times too: then the client lacked CPU. */
function isClientFailure({ name, verdict, spoils }: SelfCheck): boolean {
  if (verdict !== 'VOID') return false;
  return CLIENT_CHECKS.includes(name) || (name === 'rate-held' && spoils.includes('response'));
}

function explain(
  ended: LimitEnd,
  ratePerSec: number | null,
  failsAtPerSec: number | null,
  steps: readonly LimitStep[],
): string {
  const best = ratePerSec === null ? 'no rate held' : `${formatCount(ratePerSec)}/s held`;
  const last = steps.at(-1);
  const reason = last ? ` (at ${formatCount(last.ratePerSec)}/s, ${last.why})` : '';
  switch (ended) {
    case 'found':
      return `${best}, and did so again; ${formatCount(failsAtPerSec!)}/s did not`;
    case 'client-limit':
      return `${best}; then the client, not the server, was the limit${reason}`;
    case 'above-maximum':
      return `${best}, the highest rate that was allowed: the limit lies above`;
    case 'below-minimum':
      return `not even the lowest rate that was allowed held${reason}`;
    case 'run-limit':
      return `${best} so far; the search ended after ${steps.length} runs`;
    case 'unjudged':
      return `${best}; a run could not be judged${reason}: make the runs longer`;
    case 'interrupted':
      return `${best} so far; the search was interrupted`;
  }
}

function usage(what: string, hint: string): LoopscopeError {
  return new LoopscopeError('USAGE', `--find-limit: ${what}`, hint);
}
