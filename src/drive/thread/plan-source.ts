/** A load thread's part of a plan: what it sends, and when. */
import { createThreadSchedule } from '../../plan/arrivals/schedule.ts';
import { createThinkTimes } from '../../plan/arrivals/think-time.ts';
import type { Plan } from '../../plan/plan-options.ts';
import { PlannedOutgoing } from '../flight/outgoing.ts';
import { ClosedPace } from '../pace/closed-pace.ts';
import { OpenPace } from '../pace/open-pace.ts';
import type { Pace, PaceParts } from '../pace/pace.ts';
import type { ReplayThreadTally } from '../replay/replay-source.ts';

export class PlanSource {
  readonly outgoing: PlannedOutgoing;
  readonly expectation = null;
  readonly #plan: Plan;
  readonly #threadIndex: number;

  constructor(plan: Plan, threadIndex: number) {
    const isClosed = plan.ratePerSec === null;
    const { requests, pipelineDepth, threadCount } = plan;
    this.outgoing = new PlannedOutgoing(requests, pipelineDepth, threadIndex, threadCount, isClosed);
    this.#plan = plan;
    this.#threadIndex = threadIndex;
  }

  createPace(parts: PaceParts): Pace {
    const { queueLimit, thinkTime, seed, threadCount } = this.#plan;
    const schedule = createThreadSchedule(this.#plan, this.#threadIndex);
    if (schedule !== null) {
      return new OpenPace(parts, this.outgoing, schedule, Math.ceil(queueLimit / threadCount));
    }
    return new ClosedPace(
      parts,
      this.outgoing,
      thinkTime && createThinkTimes(thinkTime, seed, this.#threadIndex),
    );
  }

  begin(): void {}

  tally(): ReplayThreadTally | null {
    return null;
  }
}
