/** What cpu.contended and cpu.preempted share: one fault, seen while waiting to run or while running. */
import { greatestOf } from '../base/extremes.ts';
import { formatNs, formatShare } from '../base/units.ts';
import { type Actor, actorName, commandLineOf } from './facts/actors.ts';
import type { CauseTally } from './facts/excess.ts';
import type { Facts, WatchFacts } from './facts/facts.ts';
import { ratio, sumBy } from './facts/numbers.ts';
import { type ActorTime, topActors } from './facts/who.ts';
import type { CulpritId, Evidence } from './finding.ts';
import { SHARE } from './limits.ts';
import { fact, type Judgement, judgeByLostTime } from './rule.ts';

type Phase = Extract<CulpritId, 'cpu.contended' | 'cpu.preempted'>;

const VERB: Record<Phase, string> = {
  'cpu.contended': 'kept waiting for its CPU by',
  'cpu.preempted': 'pushed off its CPU in the middle of its work by',
};

/**
 * The phase that lost more time carries the finding, with the share and the names of both; the other one is then
 * silent, so that the same process is not counted twice.
 */
export function judgeContention(facts: Facts, phase: Phase): Judgement | null {
  const { watch } = facts;
  if (!watch || watch.loops.length === 0) return null;
  const lostIn = (cause: Phase) => watch.excess.tallies.get(cause)?.lostNs ?? 0;
  const other: Phase = phase === 'cpu.contended' ? 'cpu.preempted' : 'cpu.contended';
  if (lostIn(other) > lostIn(phase) || (lostIn(other) === lostIn(phase) && phase === 'cpu.preempted')) {
    return lostIn(other) === 0 ? { cleared: innocent(watch) } : null;
  }
  return judgeByLostTime(facts, phase, (tally) => word(tally, watch, phase, lostIn(phase)), {
    fromCounters: true,
    innocent: innocent(watch),
  });
}

function innocent(watch: WatchFacts): string {
  const delayed = Math.max(0, greatestOf(watch.loops.map((loop) => loop.runDelayShare)));
  return `no other process held up a loop; run-queue delay was ${formatShare(delayed)} of the worst loop’s time`;
}

function word(tally: CauseTally, watch: WatchFacts, phase: Phase, phaseNs: number) {
  // Of the worst loop alone: what it lost to a sibling, the sibling may have lost to it.
  const slices = tally.slices.filter((slice) => slice.loopIndex === tally.worstLoop?.loopIndex);
  const actors = topActors(slices);
  const lostNs = sumBy(slices, (slice) => slice.ns);
  const top = actors[0];
  const loop = tally.worstLoop?.name ?? 'the loop';
  const who = top ? actorName(top.actor) : 'another process';
  const crowd = top && top.ns < SHARE.primary * lostNs ? `${actors.length} processes, most of all ` : '';
  const sibling = top?.actor.kind === 'sibling';
  const ownThread = top?.actor.pid === tally.worstLoop?.record.pid;
  const kin = !sibling ? '' : ownThread ? ', another thread of its own' : ', a worker of the same server';
  return {
    headline: `${loop} was ${VERB[phase]} ${crowd}${who}${kin}`,
    evidence: [
      ...actors.slice(0, 3).map((actor) => whoEvidence(actor, lostNs, watch)),
      phaseEvidence(tally, phase, phaseNs),
      ...affinityEvidence(watch, tally, top?.actor ?? null),
    ],
    advice: sibling ? SIBLING_ADVICE : adviceAgainst(who, tally),
  };
}

function whoEvidence({ actor, ns }: ActorTime, lostNs: number, watch: WatchFacts): Evidence {
  const command = commandLineOf(watch.record, actor.pid);
  const used = watch.record.neighbours.find((neighbour) => neighbour.pid === actor.pid);
  const share = ratio(ns, lostNs);
  const total = used ? `; it used ${formatNs(used.cpuNs)} of CPU during the run` : '';
  return fact(
    'ran_instead',
    actorName(actor),
    '',
    `${actorName(actor)} ran for ${formatNs(ns)} of the time it waited (${formatShare(share)})${total}` +
      `${command ? `: “${command}”` : ''}.`,
  );
}

function phaseEvidence(tally: CauseTally, phase: Phase, phaseNs: number): Evidence {
  const share = ratio(phaseNs, tally.lostNs);
  const [here, there] =
    phase === 'cpu.contended'
      ? ['late wake-ups', 'preemption in mid-work']
      : ['preemption in mid-work', 'late wake-ups'];
  const rest = share < 0.995 ? `, ${formatShare(1 - share)} ${there}` : '';
  return fact('phase_share', share, 'share', `${formatShare(share)} of it is ${here}${rest}.`);
}

function affinityEvidence(watch: WatchFacts, tally: CauseTally, actor: Actor | null): Evidence[] {
  const cpus = tally.worstLoop?.record.cpusAllowed ?? '';
  const theirs = watch.record.neighbours.find((neighbour) => neighbour.pid === actor?.pid)?.cpusAllowed;
  if (tally.worstLoop?.allowedCpus?.size !== 1) return [];
  const same = theirs === cpus ? ', and so is the other' : '';
  return [fact('cpus_allowed', cpus, '', `The loop is pinned to CPU ${cpus}${same}.`)];
}

const SIBLING_ADVICE = [
  'run no more busy workers than CPUs, or pin each worker to a CPU of its own',
  'check that worker_processes or its like follows the CPUs this group may use',
];

function adviceAgainst(who: string, tally: CauseTally): string[] {
  const pinned = tally.worstLoop?.allowedCpus?.size === 1;
  return [
    `keep ${who} off the server’s CPUs (cpuset, taskset, systemd AllowedCPUs=)`,
    'give it less weight: nice 19, SCHED_BATCH, or a lower cpu.weight',
    ...(pinned ? ['or unpin the worker, so that the scheduler can move it to an idle CPU'] : []),
  ];
}
