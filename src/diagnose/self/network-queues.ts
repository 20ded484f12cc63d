import { formatCount, formatNs } from '../../base/units.ts';
import type { NetworkRecord } from '../../record/load.ts';
import type { LoadFacts } from '../facts/load.ts';
import { amount } from '../facts/numbers.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';
import { countAbove, mergeBlocks, type TimeBlock } from '../statistics/block-series.ts';
import { times } from '../words.ts';

/** When a lost SYN is sent again: 1, 3, 7 s after the first. tcp(7), tcp_syn_retries */
const RETRIES_NS = [1e9, 3e9, 7e9] as const;
const WITHIN = 0.05;

/** Full listen queues and lost packets make times that are the kernel's retry timers, not the server's work. */
export const networkQueues = {
  name: 'network-queues',
  title: 'no listen queue overflowed, nothing was sent twice',
  judge({ load, watch }) {
    if (!load) return null;
    if (load.record.plan.transport === 'unix') return skip('a Unix socket drops and repeats nothing');
    const network = load.record.network ?? null;
    const overflows = network
      ? dropsOf(network) + Math.floor(amount(network.requestQueueFullDrops))
      : watch
        ? dropsOf(watch.host)
        : null;
    const piles = pilesOf(load);
    const counted = countersText(network, overflows);
    const piled = piles.map(
      ({ atNs, count }) => `${formatCount(count)} responses took about ${formatNs(atNs)}`,
    );
    const base = { value: overflows ?? 0, unit: 'drops', limit: 0 };
    if (overflows === null && piles.length === 0) {
      return skip('not seen: the network’s counters were not read; no response piles up at 1, 3 or 7 s');
    }
    if (piles.length > 0 && !isRuledOut(network, overflows)) {
      const why = 'as when a connect is tried again after a full listen queue or a lost packet';
      return { ...base, verdict: 'WARN', text: [...piled, why, ...counted].join('; ') };
    }
    if (overflows! > 0) {
      return {
        ...base,
        verdict: 'WARN',
        text: `${counted.join('; ')}: raise the server’s listen backlog and net.core.somaxconn`,
      };
    }
    const elsewhere = piles.length > 0 ? ['that is not the network’s doing'] : [];
    return { ...base, verdict: 'PASS', text: [...piled, ...counted, ...elsewhere].join('; ') };
  },
} satisfies Check;

/** A time of 1 s may be the kernel's timer or the server's own: where all was counted and nothing repeated, the latter. */
function isRuledOut(network: NetworkRecord | null, overflows: number | null): boolean {
  return overflows === 0 && network !== null && network.synRetransmits === 0 && network.retransSegs === 0;
}

/** The kernel counts every overflow as a drop too. net/ipv4/tcp_ipv4.c, tcp_v4_syn_recv_sock() */
function dropsOf(counters: { listenOverflows: number | null; listenDrops: number | null }): number {
  return Math.floor(Math.max(amount(counters.listenOverflows), amount(counters.listenDrops)));
}

function countersText(network: NetworkRecord | null, overflows: number | null): string[] {
  if (overflows === null) return [];
  const text = [
    overflows === 0 ? 'no listen queue overflowed' : `listen queues overflowed ${times(overflows)}`,
  ];
  if (network?.synRetransmits) text.push(`${formatCount(network.synRetransmits)} connects were tried again`);
  if (network?.retransSegs) text.push(`${formatCount(network.retransSegs)} segments were sent twice`);
  return text;
}

/** Responses within 5 % of a retry time, when there are several times more than beside it. */
function pilesOf(load: LoadFacts): { atNs: number; count: number }[] {
  if (load.series.length === 0) return [];
  const all = mergeBlocks(load.series);
  const within = (low: number, high: number) => between(all, low, high);
  return RETRIES_NS.flatMap((atNs) => {
    const count = within((1 - WITHIN) * atNs, (1 + WITHIN) * atNs);
    // Two strips of half the width on either side, together as wide as the one between them.
    const beside =
      within((1 - 2 * WITHIN) * atNs, (1 - WITHIN) * atNs) +
      within((1 + WITHIN) * atNs, (1 + 2 * WITHIN) * atNs);
    return count >= SELF.retryMinCount && count > SELF.retryFactor * beside ? [{ atNs, count }] : [];
  });
}

function between(block: TimeBlock, lowNs: number, highNs: number): number {
  return countAbove(block, lowNs) - countAbove(block, highNs);
}
