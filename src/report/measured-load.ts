import { LoopscopeError } from '../base/errors.ts';
import type { LoadRecord } from '../record/load.ts';
import type { Run } from '../record/run.ts';

/** The load of a run, for forms that are about nothing else. Throws USAGE when none was driven. */
export function measuredLoad(run: Run, form: string): LoadRecord {
  if (run.load) return run.load;
  throw new LoopscopeError(
    'USAGE',
    `--${form}: no load was driven in this run, so no latency was measured`,
    `leave out --${form}, or measure with: loopscope load TARGET`,
  );
}
