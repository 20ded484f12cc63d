import type { LoadFacts } from '../facts/load.ts';
import { SELF } from '../limits.ts';
import { type Check, type CheckResult, skip } from '../self-check.ts';

const WINDOW_NS = 10e6;

/**
 * The arrivals that were really sent, against the ones asked for, by their index of dispersion in 10 ms windows.
 * The schedule's own index is the better yardstick, since it holds the same sample of chance; without it, theory is.
 */
export const arrivalShape = {
  name: 'arrival-shape',
  title: 'arrivals had the shape asked for',
  judge({ load }) {
    if (!load) return null;
    const { arrival } = load.record.plan;
    if (arrival === 'closed') return skip('closed loop: arrivals follow the replies');
    const shape = load.record.arrivals;
    const windows = load.wallNs / WINDOW_NS;
    if (windows < SELF.idcMinWindows || shape.sentCount < SELF.idcMinArrivals) {
      return skip(`too few arrivals to judge their shape (${shape.sentCount})`);
    }
    if (arrival === 'synced') return judgeSynced(load);
    const sampling = SELF.idcSigmas * Math.sqrt(2 / windows);
    const asked = shape.planned?.idc10ms ?? (arrival === 'poisson' ? 1 : 0);
    const tolerance =
      arrival === 'poisson' ? Math.max(SELF.poissonIdcTolerance, sampling) : SELF.constantIdcMax;
    const got = shape.idc10ms;
    const limit = asked + tolerance;
    const text =
      `index of dispersion at 10 ms: ${got.toFixed(2)}, asked for ${asked.toFixed(2)} (${arrival}; 0 is constant, ` +
      '1 is Poisson)';
    const base = { value: got, unit: 'ratio', limit };
    if (got <= limit && got >= asked - tolerance) return { ...base, verdict: 'PASS', text };
    if (load.poolDry) {
      const why = 'connections ran out, so arrivals followed the replies: closed loop in disguise';
      return { ...base, verdict: 'WARN', text: `${text}; ${why}` };
    }
    if (got > asked + SELF.idcVoidExcess) {
      const why = 'the client sent in bursts that nobody asked for';
      return { ...base, verdict: 'VOID', text: `${text}: ${why}`, spoils: ['response', 'service'] };
    }
    return { ...base, verdict: 'WARN', text };
  },
} satisfies Check;

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
