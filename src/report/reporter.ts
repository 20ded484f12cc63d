import type { Diagnosis } from '../diagnose/finding.ts';
import type { ThresholdResult } from '../diagnose/thresholds/threshold.ts';
import type { Run } from '../record/run.ts';
import type { LimitReport } from './limit.ts';

/** How a report is drawn. Reporters read nothing else of the outside world: same run, same options, same text. */
export type ReportOptions = {
  /** ANSI colours: the caller looks at isatty(3) and NO_COLOR. */
  colour: boolean;
  /** Width of the terminal, or null when the output goes elsewhere: then no line is wrapped and only ASCII is drawn. */
  columns: number | null;
  /** Where the run is stored, for the reader who wants to see it again; null when it was not kept. */
  runFile: string | null;
  /** Conditions that the caller judged the run by; absent when there were none. */
  thresholds?: readonly ThresholdResult[];
  /** The search that this run decided; absent when there was none. */
  limit?: LimitReport;
};

/** An output form: a pure function from a run and its diagnosis to text. */
export type Reporter = {
  name: string;
  /** File name extension without the dot, for `--output` and for the file beside the run. */
  extension: string;
  /** One line for --help. */
  summary: string;
  render(run: Run, diagnosis: Diagnosis, options: ReportOptions): string;
};
