import { formatNs, formatShare } from '../../base/units.ts';
import { observerCpu } from '../facts/observer.ts';
import { OBSERVER, SHARE } from '../limits.ts';
import { confidenceOf, fact, type Rule } from '../rule.ts';

/** The loops were late because of loopscope itself: its threads held their CPUs. Every act of measuring may hurt. */
export const observerOverhead = {
  culprit: 'observer.overhead',
  title: 'loopscope itself was in the way',
  order: 20,
  judge({ watch, load }) {
    if (!watch || watch.loops.length === 0) return null;
    const cost = observerCpu(watch.record);
    const own = watch.excess.tallies.get('self');
    const cpu = cost ? cost.ownCpu + cost.bpfCpu : 0;
    if (!own || own.worstLoopShare < OBSERVER.interferenceShare || own.share < SHARE.contributing) {
      const lost = formatShare(own?.worstLoopShare ?? 0);
      return {
        cleared: `its threads cost the loops ${lost} of their time; watching used ${formatShare(cpu)} of a CPU`,
      };
    }
    const meant = watch.saturation.proven || (load !== null && !load.open);
    const dear = cpu >= OBSERVER.overheadCpu ? ' and observing is dear here' : '';
    return {
      standing: meant ? 'aside' : 'share',
      finding: {
        culprit: 'observer.overhead',
        share: own.share,
        confidence: confidenceOf(own, watch),
        headline: `loopscope’s own threads kept ${own.worstLoop?.name ?? 'the loop'} from its CPU${dear}`,
        evidence: [
          fact(
            'interference_share',
            own.worstLoopShare,
            'share',
            `${own.worstLoop?.name ?? 'The loop'} lost ${formatShare(own.worstLoopShare)} of its time behind them ` +
              `(${formatNs(own.lostNs)} in ${own.count} delays, ${formatShare(own.share)} of the excess).`,
          ),
          fact('observer_cpu', cpu, 'CPUs', `Watching used ${formatShare(cpu)} of one CPU.`),
        ],
        advice: [
          'run loopscope on CPUs of its own: taskset -c N loopscope …',
          'drive the load from another machine, and watch here with --pid',
          'lower --rate or --threads',
        ],
      },
    };
  },
} satisfies Rule;
