import { formatCount, formatShare } from '../../base/units.ts';
import { type AcceptGroup, type AcceptingLoop, unevenness } from '../facts/accept.ts';
import { maxBy, sumBy } from '../facts/numbers.ts';
import type { Evidence } from '../finding.ts';
import { IMBALANCE } from '../limits.ts';
import { hasOtherFault } from '../own-doing.ts';
import { fact, type Judgement, type Rule } from '../rule.ts';

type Balance = {
  group: AcceptGroup;
  busiest: AcceptingLoop;
  /** Of connections and of CPU time: the busiest over the mean. */
  connections: number;
  cpu: number;
  busyShare: number;
  /** Mean of the other workers. */
  othersWaitShare: number;
};

/** One worker took most of the connections, and is busy with them while the others wait. */
export const acceptImbalance = {
  culprit: 'accept.imbalance',
  title: 'connections were shared unevenly',
  order: 165,
  judge({ watch }) {
    if (watch?.record.tier !== 'bpf') return null;
    const balances = watch.accepting.map(balanceOf).filter((balance) => balance !== null);
    const balance = maxBy(balances, ({ connections }) => connections);
    if (!balance) return null;
    const innocent = clearedBecause(balance);
    return innocent ? { cleared: innocent } : verdict(balance, hasOtherFault(watch));
  },
} satisfies Rule;

/** Null with too few connections to tell. */
function balanceOf(group: AcceptGroup): Balance | null {
  const { loops, accepts } = group;
  if (loops.length < 2 || accepts < IMBALANCE.connectionsPerLoop * loops.length) return null;
  const busiest = maxBy(loops, (entry) => entry.accepts)!;
  const others = loops.filter((entry) => entry !== busiest);
  return {
    group,
    busiest,
    connections: unevenness(loops.map((entry) => entry.accepts)),
    cpu:
      (busiest.loop.cpuNs * loops.length) /
      Math.max(
        1,
        sumBy(loops, ({ loop }) => loop.cpuNs),
      ),
    busyShare: busiest.loop.busyShare ?? 0,
    othersWaitShare: sumBy(others, ({ loop }) => 1 - (loop.busyShare ?? 1)) / others.length,
  };
}

function clearedBecause(balance: Balance): string | null {
  const { group, busiest, connections, cpu, busyShare, othersWaitShare } = balance;
  const mean = group.accepts / group.loops.length;
  const dealt = `the busiest of ${group.loops.length} workers took ${connections.toFixed(1)} times the mean`;
  const byChance = busiest.accepts < mean + IMBALANCE.sigmas * Math.sqrt(mean);
  if (connections < IMBALANCE.connectionsFactor || byChance) {
    const hottest = maxBy(group.loops, ({ loop }) => loop.eventCount)!.loop;
    const events = unevenness(group.loops.map(({ loop }) => loop.eventCount));
    return events < IMBALANCE.connectionsFactor
      ? dealt
      : `connections were dealt evenly (${dealt}): those of ${hottest.name} ask for more (${events.toFixed(1)} times the events)`;
  }
  if (busyShare < IMBALANCE.mentionShare)
    return `${dealt}, but was busy only ${formatShare(busyShare)} of the time`;
  if (cpu < IMBALANCE.cpuFactor) return `${dealt}, but only ${cpu.toFixed(1)} times the CPU time`;
  if (othersWaitShare < IMBALANCE.othersWaitShare) return `${dealt}, but the others were busy as well`;
  return null;
}

function verdict(balance: Balance, otherFault: boolean): Judgement {
  const { group, busiest, connections, busyShare } = balance;
  const hurts = busyShare >= IMBALANCE.busyShare;
  return {
    standing: hurts && !otherFault ? 'decisive' : 'aside',
    finding: {
      culprit: 'accept.imbalance',
      share: hurts ? 1 : busyShare,
      confidence: hurts ? 'high' : 'medium',
      headline:
        `${busiest.loop.name} took ${formatCount(busiest.accepts)} of ${formatCount(group.accepts)} connections, ` +
        `${connections.toFixed(1)} times its share, and was busy ${formatShare(busyShare)} of the time`,
      evidence: evidenceOf(balance),
      advice: adviceFor(group),
    },
  };
}

function evidenceOf({ group, busiest, connections, cpu, busyShare, othersWaitShare }: Balance): Evidence[] {
  const counts = group.loops.map(({ accepts }) => accepts).sort((a, b) => b - a);
  const shown = counts.slice(0, 8).join(', ') + (counts.length > 8 ? ', …' : '');
  return [
    fact(
      'accepts_busiest_over_mean',
      connections,
      'ratio',
      `Connections of the ${counts.length} workers on ${group.address}: ${shown}.`,
    ),
    fact(
      'cpu_busiest_over_mean',
      cpu,
      'ratio',
      `${busiest.loop.name} used ${cpu.toFixed(1)} times the mean CPU time of a worker.`,
    ),
    fact(
      'others_wait_share',
      othersWaitShare,
      'share',
      `It worked ${formatShare(busyShare)} of the time, while the others waited ${formatShare(othersWaitShare)} of theirs.`,
    ),
  ];
}

function adviceFor({ isReuseport, exclusiveWatchers }: AcceptGroup): string[] {
  const advice = [
    'limit how long a connection lives (nginx: keepalive_requests, keepalive_time): they are dealt anew',
  ];
  if (isReuseport)
    return ['the kernel deals by a hash of addresses: more connections even it out', ...advice];
  const how =
    exclusiveWatchers > 1
      ? 'EPOLLEXCLUSIVE wakes whoever began to wait last: '
      : 'whoever is quickest takes the next connection: ';
  return [
    `${how}SO_REUSEPORT deals them out by a hash instead (nginx: listen … reuseport)`,
    'or take one connection a turn under a lock (nginx: accept_mutex on; multi_accept off)',
    ...advice,
  ];
}
