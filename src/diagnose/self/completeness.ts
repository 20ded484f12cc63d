import { printable } from '../../base/printable.ts';
import { missedExits } from '../../record/exits.ts';
import type { Check } from '../self-check.ts';

/** Whether the run is all there. */
export const completeness = {
  name: 'completeness',
  title: 'the run is whole',
  judge({ run, load }) {
    const flaws = [
      ...(run.complete ? [] : ['the run file ends early']),
      ...(load?.record.stoppedEarly
        ? [`the load stopped early: ${printable(load.record.stoppedEarly)}`]
        : []),
      ...missedExits(run)
        .slice(0, 3)
        .map((exit) => `pid ${exit.pid} ended during the run`),
    ];
    const base = { value: flaws.length, unit: 'flaws', limit: 0 };
    if (flaws.length === 0) return { ...base, verdict: 'PASS', text: 'the run ended as planned' };
    return { ...base, verdict: 'WARN', text: flaws.join('; ') };
  },
} satisfies Check;
