import { greatestOf } from '../../base/extremes.ts';
import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import type { WatchFacts } from '../facts/facts.ts';
import type { Confidence, Evidence } from '../finding.ts';
import { CONFIDENCE } from '../limits.ts';
import { fact, type Rule } from '../rule.ts';

/** Nothing was late enough, often enough, to matter. What little there was is still told. */
export const healthy = {
  culprit: 'healthy',
  title: 'nothing was late enough to matter',
  order: 1000,
  judge({ watch, load }) {
    const evidence = watch ? evidenceOf(watch) : [];
    const headline = headlineOf(watch);
    const advice = watch || !load ? [] : ['to see the loop as well: loopscope doctor TARGET --pid PID'];
    return {
      standing: 'fallback',
      finding: { culprit: 'healthy', share: 0, confidence: confidenceOf(watch), headline, evidence, advice },
    };
  },
} satisfies Rule;

function headlineOf(watch: WatchFacts | null): string {
  if (!watch) return 'no reply stood out from the others; the server’s loop was not watched';
  const loops = watch.loops.length === 1 ? 'the loop' : `the ${watch.loops.length} loops`;
  if (watch.record.tier === 'proc')
    return `nothing in /proc points at a delay of ${loops}; single cycles were not seen`;
  const one = watch.loops.length === 1;
  const { stallCount, lostShare, withinSlackCount } = watch.excess;
  if (stallCount > 0)
    return `${loops} lost ${formatShare(lostShare)} of ${one ? 'its' : 'their'} time to stalls: too little to matter`;
  const slept = watch.loops.filter((loop) => loop.slept).length;
  if (slept > 0) {
    const woke = watch.loops.length - slept;
    return `${woke} of ${watch.loops.length} loops ${woke === 1 ? 'was' : 'were'} on time; the other${slept === 1 ? '' : 's'} slept throughout`;
  }
  const slack =
    withinSlackCount > 0
      ? `: ${formatCount(withinSlackCount)} late waits were within their timers’ slack`
      : '';
  return `${one ? 'the loop was' : `all ${watch.loops.length} loops were`} on time${slack}`;
}

function confidenceOf(watch: WatchFacts | null): Confidence {
  if (!watch) return 'low';
  const { losses, tier } = watch.record;
  if (tier === 'proc') return 'low';
  const cycles = watch.loops.reduce((sum, loop) => sum + loop.cycleCount, 0);
  const lossless = losses.ringBufferDrops + losses.mapFullDrops + losses.decodeErrors === 0;
  const longEnough = watch.record.endNs - watch.record.startNs >= CONFIDENCE.healthyTimeNs;
  return cycles >= CONFIDENCE.healthyCycles && lossless && longEnough ? 'high' : 'medium';
}

function evidenceOf({ excess, loops, record }: WatchFacts): Evidence[] {
  if (record.tier === 'proc') {
    const delay = Math.max(0, greatestOf(loops.map((loop) => loop.runDelayShare)));
    const text = `Loops waited for a CPU at most ${formatShare(delay)} of the time; their cycles could not be seen.`;
    return [fact('run_delay_share', delay, 'share', text)];
  }
  const cycles = loops.reduce((sum, loop) => sum + loop.cycleCount, 0);
  const lost = `${formatNs(excess.lostNs)} in all, ${formatShare(excess.lostShare)} of their time`;
  return [
    fact(
      'stalls',
      excess.stallCount,
      'stalls',
      excess.stallCount === 0
        ? `${formatCount(cycles)} cycles, none over ${formatNs(record.budgetNs)}.`
        : `${formatCount(cycles)} cycles, ${excess.stallCount} over ${formatNs(record.budgetNs)}: ${lost}.`,
    ),
  ];
}
