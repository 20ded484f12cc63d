import { heldUpBy } from '../hindrances.ts';
import { REPLAY, SELF } from '../limits.ts';
import type { DispersionScale } from '../replay/replay-facts.ts';
import { FULL_SPEED } from '../replay/words.ts';
import { type Check, skip } from '../self-check.ts';

/** Requests came in bunches as large as in the log: the index of dispersion, in windows of 1, 10 and 100 ms. */
export const replayDispersion = {
  name: 'replay-dispersion',
  title: 'requests came as bunched as in the log',
  judge({ load }) {
    if (!load?.replay) return null;
    const { dispersion, record } = load.replay;
    if (record.schedule.pace === 'max') return skip(FULL_SPEED);
    const { sentCount } = load.record.arrivals;
    const scales = dispersion.filter(({ ms }) => load.wallNs >= SELF.idcMinWindows * ms * 1e6);
    if (scales.length === 0 || sentCount < SELF.idcMinArrivals) {
      return skip(`too few requests, or too short, to judge how they were bunched (${sentCount})`);
    }
    const worst = scales.reduce((most, scale) => (offBy(scale) > offBy(most) ? scale : most));
    const text = `index of dispersion, sent and asked for: ${scales.map(scaleText).join('; ')}`;
    const base = { value: worst.ratio, unit: 'ratio', limit: 1 + REPLAY.dispersionOff };
    if (offBy(worst) <= REPLAY.dispersionOff) return { ...base, verdict: 'PASS', text };
    const at = `at ${worst.ms} ms ${ratioText(worst)}`;
    const why = heldUpBy(load);
    const tens = dispersion.find(({ ms }) => ms === 10)!;
    if (why === null && tens.sent > tens.asked + SELF.idcVoidExcess && offBy(tens) > REPLAY.dispersionOff) {
      const what = 'the client sent in bursts that the log has not';
      return { ...base, verdict: 'VOID', text: `${text}: ${at}: ${what}`, spoils: ['response', 'service'] };
    }
    return {
      ...base,
      verdict: 'WARN',
      text: `${text}: ${at}, as ${why ?? 'the client sent otherwise than asked'}`,
    };
  },
} satisfies Check;

/** Of the ratio from 1; where less than Poisson was asked for, of the difference: near 0 a ratio says nothing. */
function offBy({ asked, sent }: DispersionScale): number {
  return Math.abs(sent - asked) / Math.max(1, asked);
}

function scaleText({ ms, asked, sent }: DispersionScale): string {
  return `${sent.toFixed(2)} and ${asked.toFixed(2)} at ${ms} ms`;
}

function ratioText({ ratio, sent, asked }: DispersionScale): string {
  return ratio === null || asked < 1
    ? `${Math.abs(sent - asked).toFixed(2)} apart`
    : `${ratio.toFixed(2)} of it`;
}
