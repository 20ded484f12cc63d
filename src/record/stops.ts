/** Blocks that are no call's doing: from outside a thread was told to stand still. `call` of a BlockedSlice → words. */
const STOPS = new Map([
  ['stopped', 'stopped by a signal'],
  ['traced', 'stopped by a tracer'],
  ['frozen', 'frozen with its cgroup'],
]);

/** "stopped by a signal"; null when it is a call, a page fault or not known. */
export function stopPhrase(call: string): string | null {
  return STOPS.get(call) ?? null;
}
