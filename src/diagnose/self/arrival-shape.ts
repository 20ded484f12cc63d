import { printable } from '../../base/printable.ts';
import type { ArrivalShape } from '../../record/load.ts';
import type { LoadFacts } from '../facts/load.ts';
import { heldUpBy } from '../hindrances.ts';
import { SELF } from '../limits.ts';
import { type Check, type CheckResult, skip } from '../self-check.ts';

/** Windows, ms, with the field of each; the tolerance at 10 ms is multiplied at the others. */
const SCALES = [
  { ms: 1, field: 'idc1ms', factor: SELF.idc1msFactor },
  { ms: 10, field: 'idc10ms', factor: 1 },
  { ms: 100, field: 'idc100ms', factor: 1 },
] as const;

type Judged = { ms: number; got: number; asked: number; tolerance: number };

/**
 * The arrivals that were really sent, against the ones asked for, by their index of dispersion in windows of 1, 10 and
 * 100 ms. The schedule's own index is the better yardstick, since it holds the same sample of chance; without it,
 * theory is.
 */
export const arrivalShape = {
  name: 'arrival-shape',
  title: 'arrivals had the shape asked for',
  judge({ load }) {
    if (!load) return null;
    const arrival = printable(load.record.plan.arrival, 40);
    if (!load.open) return skip('closed loop: arrivals follow the replies');
    if (load.replay) return skip('a replay: see replay-dispersion');
    const shape = load.record.arrivals;
    if (load.wallNs < SELF.idcMinWindows * 10e6 || shape.sentCount < SELF.idcMinArrivals) {
      return skip(`too few arrivals to judge their shape (${shape.sentCount})`);
    }
    if (arrival === 'synced') return judgeSynced(load);
    if (!shape.planned && arrival !== 'poisson' && arrival !== 'constant') {
      return skip('the schedule’s own index of dispersion was not recorded');
    }
    const scales = SCALES.filter(({ ms }) => load.wallNs >= SELF.idcMinWindows * ms * 1e6).map(
      ({ ms, field, factor }) => scaleOf(load, shape, ms, field, factor),
    );
    const decisive = scales.find(({ ms }) => ms === 10)!;
    const off = scales.filter(({ got, asked, tolerance }) => Math.abs(got - asked) > tolerance);
    const told = off.includes(decisive) || off.length === 0 ? decisive : off[0]!;
    const text =
      `index of dispersion at ${told.ms} ms: ${told.got.toFixed(2)}, asked for ${told.asked.toFixed(2)} (${arrival}; ` +
      '0 is constant, 1 is Poisson)';
    const base = { value: told.got, unit: 'ratio', limit: told.asked + told.tolerance };
    if (off.length === 0) return { ...base, verdict: 'PASS', text };
    const { main } = load.hindrances;
    if (main === 'noConnection' || (load.poolDry && main !== 'clientAway' && main !== 'suspended')) {
      const why = `${heldUpBy(load)}, and arrivals followed that: closed loop in disguise`;
      return { ...base, verdict: 'WARN', text: `${text}; ${why}` };
    }
    if (told === decisive && told.got > told.asked + SELF.idcVoidExcess) {
      const why = 'the client sent in bursts that nobody asked for';
      return { ...base, verdict: 'VOID', text: `${text}: ${why}`, spoils: ['response', 'service'] };
    }
    return { ...base, verdict: 'WARN', text };
  },
} satisfies Check;

function scaleOf(
  load: LoadFacts,
  shape: ArrivalShape,
  ms: number,
  field: (typeof SCALES)[number]['field'],
  factor: number,
): Judged {
  const arrival = printable(load.record.plan.arrival, 40);
  const asked = shape.planned?.[field] ?? (arrival === 'poisson' ? 1 : 0);
  const sampling = SELF.idcSigmas * Math.sqrt((2 * ms * 1e6) / load.wallNs);
  const even = arrival === 'constant' ? SELF.constantIdcMax : Math.max(SELF.poissonIdcTolerance, sampling);
  return { ms, got: shape[field], asked, tolerance: factor * even * Math.max(1, asked) };
}

/** Lock-step is judged by what makes it lock-step: the largest index at any scale, near the schedule's own. */
function judgeSynced(load: LoadFacts): CheckResult {
  const shape = load.record.arrivals;
  const got = Math.max(shape.idc1ms, shape.idc10ms, shape.idc100ms);
  const { planned } = shape;
  if (!planned) return skip('the schedule’s own index of dispersion was not recorded');
  const asked = Math.max(planned.idc1ms, planned.idc10ms, planned.idc100ms);
  const text = `index of dispersion: ${got.toFixed(1)} at most, asked for ${asked.toFixed(1)} (synced)`;
  const verdict = got >= asked / 2 ? 'PASS' : 'WARN';
  return { verdict, value: got, unit: 'ratio', limit: asked / 2, text };
}
