/** Where the time of the busiest client thread went: parts that add up to the whole of it. */
import type { ClientThread, LoadRecord } from '../../record/load.ts';
import { amount, ratio } from '../facts/numbers.ts';
import { CLIENT } from '../limits.ts';

export type ClientPartName =
  | 'kernel'
  | 'parsing'
  | 'checking'
  | 'own'
  | 'garbage'
  | 'spinning'
  | 'queue'
  | 'quota'
  | 'idle';

export type ClientTime = {
  /** Of the thread's time; together 1. */
  shares: Record<ClientPartName, number>;
  /** Looks that tell parsing and checking from the rest; with too few of them all three are under `own`. */
  lookCount: number | null;
};

/** Null when no thread was measured. */
export function clientTimeOf({ client }: Pick<LoadRecord, 'client'>): ClientTime | null {
  const thread = busiest(client.threads);
  if (!thread || !(client.wallNs > 0)) return null;
  const cpuNs = amount(thread.userNs) + amount(thread.systemNs);
  const spinNs = Math.min(amount(thread.spinNs), cpuNs);
  // Spinning is user and system time in the proportion of all the rest: it looks, and calls.
  const usedShare = 1 - ratio(spinNs, cpuNs);
  const userNs = amount(thread.userNs) * usedShare;
  const runDelayNs = amount(thread.runDelayNs);
  const onCpuShare = ratio(cpuNs, cpuNs + runDelayNs);
  // V8 measures its pauses by the clock, the wait for a CPU within them too.
  const garbageNs = Math.min(amount(thread.gcNs) * onCpuShare, userNs);
  // A thread that its quota stops is runnable all the while: the kernel counts it as waiting for a CPU.
  const quotaNs = Math.min(runDelayNs, amount(client.throttledNs));
  const parts = {
    kernel: amount(thread.systemNs) * usedShare,
    ...ownWork(thread, userNs - garbageNs, garbageNs, client.wallNs * onCpuShare),
    garbage: garbageNs,
    spinning: spinNs,
    queue: runDelayNs - quotaNs,
    quota: quotaNs,
  };
  const busyNs = Object.values(parts).reduce((sum, ns) => sum + ns, 0);
  // The last replies are waited for beyond the end of the run.
  const wholeNs = Math.max(client.wallNs, busyNs);
  const shares = { ...parts, idle: wholeNs - busyNs };
  for (const name of Object.keys(shares) as ClientPartName[]) shares[name] /= wholeNs;
  const lookCount = amount(thread.doing?.count);
  return { shares, lookCount: lookCount >= CLIENT.minLooks ? lookCount : null };
}

/** It ran or wanted to run all the time: what it waited for was no reply, whatever connections were left. */
export function isNeverIdle({ shares: { idle, spinning } }: ClientTime): boolean {
  return idle + spinning < CLIENT.neverIdle;
}

/**
 * The thread's own CPU time by looks at what it did, whether it was on the CPU just then or not. What is allocated is
 * allocated by the codec, so that the collector's pauses lie within its part.
 */
function ownWork(thread: ClientThread, userNs: number, garbageNs: number, onCpuNs: number) {
  const { count = 0, parsing = 0, checking = 0 } = thread.doing ?? {};
  if (count < CLIENT.minLooks) return { parsing: 0, checking: 0, own: userNs };
  const parsingNs = Math.min(userNs, Math.max(0, ratio(parsing, count) * onCpuNs - garbageNs));
  const checkingNs = Math.min(userNs - parsingNs, ratio(checking, count) * onCpuNs);
  return { parsing: parsingNs, checking: checkingNs, own: userNs - parsingNs - checkingNs };
}

function busiest(threads: readonly ClientThread[]): ClientThread | null {
  const wanted = (thread: ClientThread) =>
    amount(thread.userNs) + amount(thread.systemNs) - amount(thread.spinNs) + amount(thread.runDelayNs);
  return threads.reduce<ClientThread | null>(
    (most, thread) => (most === null || wanted(thread) > wanted(most) ? thread : most),
    null,
  );
}
