/**
 * The seam for the lab: a published kind of incident, set up on this machine, measured, and judged. One file each,
 * listed in registry.ts. An experiment starts what it needs and leaves nothing behind.
 */
import type { MeasureProgress } from '../measure.ts';

export type LabOption = 'duration' | 'quick' | 'accept' | 'json';

export type Experiment = {
  readonly name: string;
  /** One line for help and documents. */
  readonly summary: string;
  /** Options that mean something to it, besides where its report goes. */
  readonly takes: readonly LabOption[];
  /** Runs to its end and returns the exit status: 0 when the experiment showed what it is there to show. */
  run(context: LabContext): Promise<number>;
};

export type LabContext = {
  /** argv that starts this very program again: a server under test needs a process of its own. */
  program: readonly string[];
  /** A line for the user. */
  print(line: string): void;
  showProgress(progress: MeasureProgress): void;
  /** The run is over: text may follow. */
  endProgress(): void;
  colour: boolean;
  columns: number | null;
  /** Where the HTML report goes; chosen by the experiment when absent. */
  htmlPath?: string;
  durationNs?: number;
  /** Fewer workers, connections and seconds: to see that it works. */
  quick: boolean;
  /** One JSON object instead of text. */
  json: boolean;
  /** Only these accept strategies; empty: all. */
  accept: readonly string[];
  /** What is being done now, in a few words; shown while it lasts. */
  status(text: string): void;
  signal: AbortSignal;
};
