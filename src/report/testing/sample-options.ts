import type { RunHeader } from '../../record/run.ts';
import type { StallScenario } from './sample-stalls.ts';

export type SampleOptions = {
  scenario?: StallScenario;
  seconds?: number;
  ratePerSec?: number;
  mode?: RunHeader['mode'];
  tier?: 'bpf' | 'proc';
  /** Give processes names that try to break out of a terminal or a page. */
  hostile?: boolean;
  /** Leave the last requests unanswered, as a server that hung would. */
  unanswered?: number;
  /** The load is a mix of two kinds. */
  kinds?: boolean;
  /** The load is a log, replayed: its two kinds are routes. */
  replay?: boolean;
  complete?: boolean;
};
