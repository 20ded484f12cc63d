import type { BlockedSlice } from '../../record/observation.ts';
import type { Actor } from './actors.ts';
import type { Slice } from './slices.ts';

export type ActorTime = { actor: Actor; ns: number };

/** Which processes held the CPU in these slices, longest first; each by the name of its busiest thread. */
export function topActors(slices: readonly Slice[]): ActorTime[] {
  const threads = new Map<string, ActorTime>();
  for (const { actor, ns } of slices) {
    if (!actor) continue;
    const key = `${actor.pid} ${actor.comm}`;
    const time = threads.get(key);
    if (time) time.ns += ns;
    else threads.set(key, { actor, ns });
  }
  const processes = new Map<number, ActorTime>();
  for (const { actor, ns } of longestFirst(threads.values())) {
    const process = processes.get(actor.pid);
    if (process) process.ns += ns;
    else processes.set(actor.pid, { actor, ns });
  }
  return longestFirst(processes.values());
}

function longestFirst<T extends { ns: number }>(times: Iterable<T>): T[] {
  return [...times].sort((a, b) => b.ns - a.ns);
}

export type CallTime = { call: string; ns: number; count: number; example: BlockedSlice };

/** The calls these slices were blocked in, longest first; the example is the longest single one with a path. */
export function topCalls(slices: readonly Slice[]): CallTime[] {
  const times = new Map<string, CallTime>();
  for (const { blocked, ns, count } of slices) {
    if (!blocked) continue;
    const time = times.get(blocked.call);
    if (!time) {
      times.set(blocked.call, { call: blocked.call, ns, count, example: blocked });
      continue;
    }
    time.ns += ns;
    time.count += count;
    if (isBetterExample(blocked, time.example)) time.example = blocked;
  }
  return longestFirst(times.values());
}

function isBetterExample(candidate: BlockedSlice, current: BlockedSlice): boolean {
  const informed = (slice: BlockedSlice) => Number(slice.fdPath !== null) + Number(slice.waker !== null);
  return (
    informed(candidate) > informed(current) ||
    (informed(candidate) === informed(current) && candidate.ns > current.ns)
  );
}
