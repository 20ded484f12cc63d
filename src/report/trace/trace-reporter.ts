import type { Trace } from '../../record/trace.ts';

export type TraceReportOptions = {
  /** ANSI colours. */
  colour: boolean;
  /** Width of the terminal, or null when the output goes elsewhere: nothing is wrapped, and only ASCII is drawn. */
  columns: number | null;
  /** Calls or functions whose histogram is wanted; none: that of the one that took most time. */
  histogramsOf: readonly string[];
};

/** An output form: a pure function from a trace to text. */
export type TraceReporter = {
  name: string;
  summary: string;
  render(trace: Trace, options: TraceReportOptions): string;
};
