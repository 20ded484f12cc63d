/** Connections that waited in listen queues for long, and what their workers did meanwhile. */
import type { ListenerRecord } from '../../record/observation.ts';
import { STRANDED } from '../limits.ts';
import type { AcceptGroup, AcceptingLoop } from './accept.ts';
import { amount, ratio, sumBy } from './numbers.ts';

/** A time during which connections waited on one listener at every look. */
export type Wait = { listener: ListenerRecord; fromNs: number; toNs: number; mostWaiting: number };

export type Strand = Wait & {
  group: AcceptGroup;
  /** The worker that should have taken them and made no cycle, if one stands out. */
  owner: AcceptingLoop | null;
  /** How many others had time meanwhile. */
  freeCount: number;
};

/** The worst moment at which connections waited for one worker while others had time; null when there was none. */
export function strandOf(groups: readonly AcceptGroup[]): Strand | null {
  let worst: Strand | null = null;
  for (const group of groups) {
    if (group.loops.length < 2) continue;
    for (const listener of group.listeners) {
      const wait = longestWait(listener);
      if (!wait || wait.toNs - wait.fromNs < STRANDED.waitNs || wait.mostWaiting < STRANDED.connections)
        continue;
      const strand = judgeWait(group, wait);
      if (strand && (!worst || strand.mostWaiting > worst.mostWaiting)) worst = strand;
    }
  }
  return worst;
}

/** The longest run of looks at which somebody waited. */
export function longestWait(listener: ListenerRecord): Wait | null {
  let best: Wait | null = null;
  let run: Wait | null = null;
  for (const { atNs, waiting } of listener.samples) {
    if (run && atNs - run.toNs <= STRANDED.gapNs) {
      run.toNs = atNs;
      run.mostWaiting = Math.max(run.mostWaiting, waiting);
    } else {
      run = { listener, fromNs: atNs, toNs: atNs, mostWaiting: waiting };
    }
    if (!best || run.toNs - run.fromNs >= best.toNs - best.fromNs) best = run;
  }
  return best;
}

/** Not stranded when most members' queues grew, when nobody is stuck, or when nobody else had time either. */
function judgeWait(group: AcceptGroup, wait: Wait): Strand | null {
  const { listener, fromNs, toNs } = wait;
  const members = group.listeners.filter(({ address }) => address === listener.address);
  const waiting = members.filter((member) => {
    const other = longestWait(member);
    return other !== null && other.toNs - other.fromNs >= STRANDED.waitNs;
  });
  if (members.length > 1 && waiting.length > members.length / 2) return null;
  const busy = group.loops.map((entry) => ({ entry, ...doneIn(entry, fromNs, toNs) }));
  const free = busy.filter(({ cycles, busyShare }) => cycles > 0 && busyShare < STRANDED.freeShare);
  const watching = listener.holders.filter(({ watch }) => watch !== 'none');
  // With a lock round accept they take turns at watching one socket: who did once is not who does now.
  const isOneForOne = group.isReuseport ? watching.length > 0 : watching.length > 1;
  const owning = new Set((isOneForOne ? watching : listener.holders).map(({ pid }) => pid));
  const stuck = busy.filter(
    ({ entry, windows, cycles }) => windows > 0 && cycles === 0 && owning.has(entry.loop.record.pid),
  );
  if (free.length === 0 || stuck.length === 0) return null;
  const owner = stuck.length === 1 ? stuck[0]!.entry : null;
  return { ...wait, group, owner, freeCount: free.length };
}

/** What a loop did in the windows that lie wholly within. */
function doneIn(entry: AcceptingLoop, fromNs: number, toNs: number) {
  const inside = entry.windows.filter((w) => w.startNs >= fromNs && w.startNs + w.durationNs <= toNs);
  const workNs = sumBy(inside, (w) => amount(w.workNs));
  return {
    windows: inside.length,
    cycles: sumBy(inside, (w) => amount(w.cycleCount)),
    busyShare: ratio(
      workNs,
      sumBy(inside, (w) => w.durationNs),
    ),
  };
}
