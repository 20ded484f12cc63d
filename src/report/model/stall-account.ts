import { amount, ratio } from '../../diagnose/facts/numbers.ts';
import type { Stall, StallAccount } from '../../record/observation.ts';

/** The kinds of time a stall is made of, in the order of every table and bar. */
export const PART_GROUPS = ['user', 'system', 'irq', 'steal', 'run-queue', 'blocked', 'unexplained'] as const;

export type PartGroup = (typeof PART_GROUPS)[number];

/** What a group means, in the words of the report. */
export const GROUP_TITLE: Record<PartGroup, string> = {
  user: 'its own code',
  system: 'in the kernel',
  irq: 'interrupts',
  steal: 'stolen by the host',
  'run-queue': 'waiting for a CPU',
  blocked: 'blocked',
  unexplained: 'unexplained',
};

/** One line of an account. Strings are as the kernel gave them: hostile until printable() has seen them. */
export type AccountPart = {
  group: PartGroup;
  /** The call, or who ran instead; empty when the group says it all. */
  what: string;
  /** Pid of who ran instead, the descriptor's path, how often: what helps to find it. */
  detail: string;
  ns: number;
  /** Of the account's wall time. */
  share: number;
};

/** One or several stalls, as parts that add up to `wallNs`. */
export type AccountTotal = { stallCount: number; wallNs: number; parts: AccountPart[] };

type Gathered = { group: PartGroup; what: string; detail: Map<string, number>; ns: number; count: number };

/** Adds the accounts of stalls. Parts are in the order of groups, longest first within a group; empty ones are left out. */
export function addAccounts(stalls: readonly Stall[]): AccountTotal {
  const gathered = new Map<string, Gathered>();
  let wallNs = 0;
  for (const stall of stalls) {
    wallNs += amount(stall.wallNs);
    gather(gathered, stall.account);
  }
  const parts = [...gathered.values()]
    .filter((part) => part.ns > 0)
    .map((part) => ({
      group: part.group,
      what: part.what,
      detail: detailOf(part),
      ns: part.ns,
      share: ratio(part.ns, wallNs),
    }))
    .sort((a, b) => PART_GROUPS.indexOf(a.group) - PART_GROUPS.indexOf(b.group) || b.ns - a.ns);
  return { stallCount: stalls.length, wallNs, parts };
}

/**
 * The same account with fewer lines: in each group the parts worth a line of their own, the rest as one. The first part
 * of a group always stays, however small, and the sum does not change.
 */
export function foldSmall(total: AccountTotal, perGroup = 5, shareMin = 0.01): AccountTotal {
  const parts = PART_GROUPS.flatMap((group) => {
    const own = total.parts.filter((part) => part.group === group);
    const shown = own.filter((part, index) => index === 0 || (index < perGroup && part.share >= shareMin));
    const rest = own.slice(shown.length);
    if (rest.length < 2) return own;
    const ns = rest.reduce((sum, part) => sum + part.ns, 0);
    return [
      ...shown,
      { group, what: `${rest.length} others`, detail: '', ns, share: ratio(ns, total.wallNs) },
    ];
  });
  return { ...total, parts };
}

/** Time of each group, every group present. */
export function groupTotals(total: AccountTotal): Record<PartGroup, number> {
  const sums = Object.fromEntries(PART_GROUPS.map((group) => [group, 0])) as Record<PartGroup, number>;
  for (const part of total.parts) sums[part.group] += part.ns;
  return sums;
}

function gather(into: Map<string, Gathered>, account: StallAccount): void {
  const add = (group: PartGroup, what: string, key: string, ns: number, detail = '', count = 1) => {
    if (!(ns >= 1)) return; // less than a ns is a rounding error of sums
    let part = into.get(`${group}\n${key}`);
    if (!part) {
      part = { group, what, detail: new Map(), ns: 0, count: 0 };
      into.set(`${group}\n${key}`, part);
    }
    part.ns += ns;
    part.count += count;
    if (detail !== '') part.detail.set(detail, (part.detail.get(detail) ?? 0) + ns);
  };
  add('user', '', '', account.userNs);
  for (const { call, ns } of account.system) add('system', call || 'call not known', call, ns);
  add('irq', '', '', account.irqNs);
  add('steal', '', '', account.stealNs);
  for (const who of account.runQueue.contended) {
    // By pid alone: a process may rename itself in the middle of the run.
    const comm = who.comm.trim();
    add(
      'run-queue',
      who.kernelThread ? `kernel thread ${comm}` : comm,
      String(who.pid),
      who.ns,
      `pid ${who.pid}`,
    );
  }
  const { idleNs, throttledNs } = account.runQueue;
  // Whether it was a quota is known of stalls seen in full.
  if (throttledNs === undefined)
    add('run-queue', 'nobody ran (throttled, or slow to leave idle)', 'idle', idleNs);
  else {
    add('run-queue', 'held back by its quota (throttled)', 'throttled', throttledNs);
    add('run-queue', 'nobody ran (slow to leave idle)', 'idle', idleNs - throttledNs);
  }
  add('run-queue', 'not seen who ran', 'unknown', unknownRunQueueNs(account));
  for (const slice of account.blocked) {
    add('blocked', slice.call, slice.call, slice.ns, blockedDetail(slice), Math.max(1, amount(slice.count)));
  }
  add('unexplained', '', '', account.unexplainedNs);
}

/** What the named parts of the run queue leave of its total, when the writer did not put it under unknownNs. */
function unknownRunQueueNs({ runQueue }: StallAccount): number {
  const named = runQueue.contended.reduce((sum, who) => sum + amount(who.ns), 0) + amount(runQueue.idleNs);
  return Math.max(amount(runQueue.unknownNs), amount(runQueue.totalNs) - named);
}

function blockedDetail(slice: StallAccount['blocked'][number]): string {
  if (slice.fdPath !== null) return slice.fdPath;
  if (slice.waker !== null) return `woken by ${slice.waker.comm} (pid ${slice.waker.pid})`;
  return '';
}

/** The longest detail, and how many more there were. */
function detailOf(part: Gathered): string {
  const ranked = [...part.detail].sort((a, b) => b[1] - a[1]);
  const first = ranked[0]?.[0] ?? '';
  const more = ranked.length > 1 ? ` and ${ranked.length - 1} more` : '';
  const times = part.group === 'blocked' ? `${part.count}×` : '';
  return [first + more, times].filter((text) => text !== '').join(', ');
}
