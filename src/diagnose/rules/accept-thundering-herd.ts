import { formatCount, formatShare } from '../../base/units.ts';
import type { AcceptGroup } from '../facts/accept.ts';
import { maxBy, ratio } from '../facts/numbers.ts';
import type { Evidence } from '../finding.ts';
import { HERD } from '../limits.ts';
import { hasOtherFault } from '../own-doing.ts';
import { fact, type Judgement, type Rule } from '../rule.ts';

/** One connection wakes many workers; one gets it, and the others were woken for nothing. */
export const acceptThunderingHerd = {
  culprit: 'accept.thundering-herd',
  title: 'every connection woke many workers',
  order: 22,
  judge({ watch }) {
    if (!watch) return null;
    const groups = watch.accepting.filter(({ loops, accepts }) => loops.length > 1 && accepts > 0);
    const group = maxBy(groups, (candidate) => candidate.vain + candidate.turnedBack);
    if (!group) return null;
    const innocent = clearedBecause(group);
    if (innocent) return { cleared: innocent };
    return verdict(group, hasOtherFault(watch));
  },
} satisfies Rule;

function clearedBecause(group: AcceptGroup): string | null {
  const { accepts, loops, vainShare, vainPerConnection } = group;
  if (group.sharedWatchers < 2) {
    if (group.exclusiveWatchers > 1)
      return 'workers watch the listener with EPOLLEXCLUSIVE: one is woken at a time';
    if (group.isReuseport) return 'each worker has a listening socket of its own (SO_REUSEPORT)';
    if (group.vain < HERD.vainShare * accepts || !isHidden(group)) {
      return `only one worker watches a listener at a time; ${formatCount(group.vain)} accepts found nobody`;
    }
  }
  if (accepts < HERD.connections) return `only ${formatCount(accepts)} connections came while it was watched`;
  if (vainShare >= HERD.vainShare && vainPerConnection >= HERD.vainPerConnection) return null;
  return (
    `${loops.length} workers share a listener, but ${formatShare(vainShare)} of their wake-ups came to nothing ` +
    `(${vainPerConnection.toFixed(2)} for each connection)`
  );
}

/** Nobody could see how the listener is watched, so the accepts alone must tell. */
function isHidden({ listeners }: AcceptGroup): boolean {
  return listeners.some(({ holders }) => holders.some(({ watch }) => watch === 'hidden'));
}

function verdict(group: AcceptGroup, otherFault: boolean): Judgement {
  const perConnection = group.vainPerConnection;
  return {
    standing: otherFault ? 'aside' : 'decisive',
    finding: {
      culprit: 'accept.thundering-herd',
      share: group.vainShare,
      confidence: group.sharedWatchers >= 2 ? 'high' : 'medium',
      headline:
        `each connection to ${group.address} woke ${perConnection.toFixed(1)} workers for nothing: ` +
        `${group.sharedWatchers || group.loops.length} of them watch one listening socket together`,
      evidence: evidenceOf(group),
      advice: [
        'give each worker a listening socket of its own: SO_REUSEPORT (nginx: listen … reuseport)',
        'or let the kernel wake one at a time: EPOLLEXCLUSIVE, since Linux 4.5 (nginx does it with accept_mutex off)',
        'or take turns with a lock (nginx: accept_mutex on)',
        'fewer workers than this host has use for make the herd smaller',
      ],
    },
  };
}

function evidenceOf(group: AcceptGroup): Evidence[] {
  const { accepts, vain, turnedBack, cycles, vainShare } = group;
  const wakeUps = cycles + turnedBack;
  return [
    fact(
      'wakeups_in_vain_share',
      vainShare,
      'share',
      `${formatShare(vainShare)} of ${formatCount(wakeUps)} wake-ups came to nothing, over ${formatCount(accepts)} connections.`,
    ),
    fact(
      'first_accept_eagain',
      vain,
      'accepts',
      `${formatCount(vain)} workers called accept and found nobody (EAGAIN), ${formatShare(ratio(vain, vain + accepts))} ` +
        'of the first accepts of a cycle.',
    ),
    fact(
      'turned_back',
      turnedBack,
      'wake-ups',
      `${formatCount(turnedBack)} were woken, but another had been faster before they left epoll_wait: ` +
        'context switches that no trace of system calls shows.',
    ),
    fact(
      'shared_watchers',
      group.sharedWatchers,
      'workers',
      `${group.sharedWatchers} workers have the same socket in their epoll sets, without EPOLLEXCLUSIVE.`,
    ),
  ];
}
