import { formatNs } from '../../base/units.ts';
import type { LoadFacts } from '../facts/load.ts';
import { heldUpBy } from '../hindrances.ts';
import { REPLAY, SELF } from '../limits.ts';
import type { GapFacts } from '../replay/replay-facts.ts';
import { FULL_SPEED } from '../replay/words.ts';
import { type Check, skip } from '../self-check.ts';

/** The gaps between requests as they were sent, against those of the log. */
export const replayGaps = {
  name: 'replay-gaps',
  title: 'gaps between sends were those of the log',
  judge({ load }) {
    if (!load?.replay) return null;
    const { gaps, record } = load.replay;
    if (record.schedule.pace === 'max') return skip(FULL_SPEED);
    if (!gaps) return skip('not seen: gaps between requests were not recorded');
    if (gaps.count < SELF.gapsMinCount) return skip(`too few gaps to compare (${gaps.count})`);
    if (gaps.meanNs < SELF.gapsMinMeanNs) {
      return skip(
        `gaps of ${formatNs(gaps.meanNs)} on average are finer than a wake-up: see replay-dispersion at 1 ms`,
      );
    }
    const text =
      `gaps sent are ${gaps.distance.toFixed(3)} from those asked for (Kolmogorov–Smirnov; 0 is alike, differences up to ` +
      `${formatNs(gaps.toleranceNs)} left aside)`;
    const base = { value: gaps.distance, unit: 'ratio', limit: REPLAY.gapsDistance };
    if (gaps.distance <= REPLAY.gapsDistance) return { ...base, verdict: 'PASS', text };
    const why = heldUpBy(load);
    if (why !== null || load.replay.waitedShare > REPLAY.waitedWarn) {
      const what = why ?? 'requests waited for their client’s one before';
      return { ...base, verdict: 'WARN', text: `${text}: ${what}, and sends followed that` };
    }
    if (gaps.distance > REPLAY.gapsVoid) {
      const what =
        'this is not the traffic of the log; give the client more CPU, or replay with a lower --speed';
      return {
        ...base,
        limit: REPLAY.gapsVoid,
        verdict: 'VOID',
        text: `${text}: ${what}`,
        spoils: ['response', 'service'],
      };
    }
    return {
      ...base,
      verdict: 'WARN',
      text: `${text}: the client sent otherwise than asked${spinHint(load, gaps)}`,
    };
  },
} satisfies Check;

/** Where sleeps end late, as on virtual machines, there is an option. */
function spinHint({ record: { client, plan } }: LoadFacts, { toleranceNs }: GapFacts): string {
  if (plan.spin || !(client.timerOversleepNsP50 > toleranceNs)) return '';
  return `; timers oversleep ${formatNs(client.timerOversleepNsP50)} here: --spin never sleeps between sends`;
}
