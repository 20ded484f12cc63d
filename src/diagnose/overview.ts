/** What the run was, in a few facts that every verdict shares. */
import { formatCount, formatNs, formatShare } from '../base/units.ts';
import type { BaseFacts, WatchFacts } from './facts/facts.ts';
import type { LoadFacts } from './facts/load.ts';
import type { LoopFacts } from './facts/loops.ts';
import type { Evidence } from './finding.ts';
import { EXCESS } from './limits.ts';
import { fact } from './rule.ts';
import { meanText, percent, tailQuantile } from './self/sample-size.ts';

const LOOPS_MAX = 8;

export function overview({ load, watch }: BaseFacts): Evidence[] {
  return [...(load ? ofLoad(load) : []), ...(watch ? ofWatch(watch) : [])];
}

function ofLoad(load: LoadFacts): Evidence[] {
  const response = load.responseOrWorse;
  if (!response) return [fact('replies', 0, 'requests', 'No request was answered.')];
  const count = formatCount(response.count);
  const q = tailQuantile(response.count);
  if (q === null)
    return [
      fact(
        'requests',
        response.count,
        'requests',
        `${count} requests: too few for percentiles${meanText(load)}.`,
      ),
    ];
  const tail = `p${percent(q)}`;
  const tailNs = response.quantileNs(q);
  const over = `${formatShare(response.shareAbove(EXCESS.affectedNs))} took over ${formatNs(EXCESS.affectedNs)}`;
  const times = q === 0.5 ? '' : `p50 ${formatNs(response.quantileNs(0.5))}, `;
  return [
    fact(
      `response_${tail}`,
      tailNs,
      'ns',
      `${count} requests: response ${times}${tail} ${formatNs(tailNs)}; ${over}.`,
    ),
  ];
}

function ofWatch({ loops, excess, record }: WatchFacts): Evidence[] {
  const evidence = loops.slice(0, LOOPS_MAX).map(ofLoop);
  if (loops.length > LOOPS_MAX) {
    const rest = loops.length - LOOPS_MAX;
    evidence.push(fact('more_loops', rest, 'loops', `${rest} more loops were watched.`));
  }
  if (record.tier === 'bpf') {
    evidence.push(
      fact(
        'lost_share',
        excess.lostShare,
        'share',
        `${excess.stallCount} stalls over ${formatNs(record.budgetNs)}; loops lost ${formatNs(excess.lostNs)}, ` +
          `${formatShare(excess.lostShare)} of their time.`,
      ),
    );
  }
  return evidence;
}

function ofLoop(loop: LoopFacts): Evidence {
  const cpu = `${formatShare(loop.cpuShare)} of a CPU, ${formatShare(loop.runDelayShare)} of the time waiting for one`;
  const cycles =
    loop.cycleCount < 1
      ? ''
      : `; ${formatCount(loop.cycleCount)} cycles, work p50 ${formatNs(loop.workNsP50 ?? 0)}, ` +
        `p99 ${formatNs(loop.workNsP99 ?? 0)}, ${formatCount(loop.eventCount / loop.cycleCount)} events each`;
  return fact('loop', loop.name, '', `${loop.name}: ${cpu}${cycles}.`);
}
