import type { BlockedSlice } from '../../record/observation.ts';
import type { Actor } from './actors.ts';
import type { Slice } from './slices.ts';

export type ActorTime = { actor: Actor; ns: number };

/** Who held the CPU in these slices, longest first. */
export function topActors(slices: readonly Slice[]): ActorTime[] {
  const times = new Map<number, ActorTime>();
  for (const { actor, ns } of slices) {
    if (!actor) continue;
    const time = times.get(actor.pid);
    if (time) time.ns += ns;
    else times.set(actor.pid, { actor, ns });
  }
  return [...times.values()].sort((a, b) => b.ns - a.ns);
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
  return [...times.values()].sort((a, b) => b.ns - a.ns);
}

function isBetterExample(candidate: BlockedSlice, current: BlockedSlice): boolean {
  const informed = (slice: BlockedSlice) => Number(slice.fdPath !== null) + Number(slice.waker !== null);
  return (
    informed(candidate) > informed(current) ||
    (informed(candidate) === informed(current) && candidate.ns > current.ns)
  );
}
