/** The search for the highest rate that holds, as reports show it: the caller gives it, no run file holds it. */
export type LimitReport = {
  /** "found", "client-limit" and the like. */
  ended: string;
  ratePerSec: number | null;
  failsAtPerSec: number | null;
  relativeWidth: number | null;
  steps: LimitReportStep[];
  why: string;
};

export type LimitReportStep = {
  ratePerSec: number;
  outcome: 'held' | 'failed' | 'client' | 'unjudged';
  /** Requests that came to an end ÷ planned. */
  achievedShare: number;
  /** What was judged: the figure's value and limit, in `unit`. */
  goals: { text: string; value: number | null; limit: number; unit: string; atLeast: boolean }[];
  self: string;
  why: string;
};
