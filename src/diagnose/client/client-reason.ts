/** What the client lacked time for, in words: the largest part first, and what to do about it. */
import { printable } from '../../base/printable.ts';
import { formatBytes, formatNs, formatShare } from '../../base/units.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { LoadFacts } from '../facts/load.ts';
import { amount, ratio, sumBy } from '../facts/numbers.ts';
import type { Evidence } from '../finding.ts';
import { CLIENT } from '../limits.ts';
import { fact } from '../rule.ts';
import type { ClientPartName, ClientTime } from './client-time.ts';

/** Parts that have one cause, and one remedy. */
const GROUPS = {
  kernel: ['kernel'],
  codec: ['parsing', 'garbage'],
  checks: ['checking'],
  own: ['own'],
  queue: ['queue'],
  quota: ['quota'],
} as const satisfies Record<string, readonly ClientPartName[]>;

export type ClientReason = { name: keyof typeof GROUPS; share: number };

/** The largest first; those that are worth a word. */
export function clientReasons({ shares }: ClientTime): ClientReason[] {
  return (Object.keys(GROUPS) as ClientReason['name'][])
    .map((name) => ({ name, share: sumBy(GROUPS[name], (part) => shares[part]) }))
    .filter(({ share }) => share >= CLIENT.partWorth)
    .sort((a, b) => b.share - a.share);
}

/** "78 % of its time stopped by a CPU quota"; empty when no part stands out. */
export function reasonPhrase(time: ClientTime, load: LoadFacts): string {
  const first = clientReasons(time)[0];
  if (first === undefined) return '';
  return `${formatShare(first.share)} of its time ${PHRASES[first.name](load.record)}`;
}

const PHRASES: Record<ClientReason['name'], (record: LoadRecord) => string> = {
  kernel: () => 'in the kernel, sending and receiving',
  codec: (record) => `in ${codecName(record)}, reading replies`,
  checks: () => 'checking replies',
  own: () => 'in its own code, matching and timing',
  queue: () => 'waiting for a CPU',
  quota: () => 'stopped by a CPU quota',
};

const PART_TEXT: Record<ClientPartName, (record: LoadRecord) => string> = {
  kernel: () => 'in the kernel, sending and receiving',
  parsing: (record) => `reading replies in ${codecName(record)}`,
  checking: () => 'checking replies',
  own: () => 'in the client’s own code: sending, matching, timing',
  garbage: () => 'collecting garbage',
  spinning: () => 'spinning before deadlines, as is chosen',
  queue: () => 'ready to run, waiting for a CPU',
  quota: () => 'stopped by a CPU quota',
  idle: () => 'asleep, with nothing to do',
};

/** The parts that show, the largest first, and what names their cause. */
export function timeEvidence(time: ClientTime, { record }: LoadFacts): Evidence[] {
  const { shares, lookCount } = time;
  const parts = (Object.keys(shares) as ClientPartName[])
    .filter((name) => shares[name] >= CLIENT.partShown)
    .sort((a, b) => shares[b] - shares[a]);
  const undivided = (name: ClientPartName) =>
    name === 'own' && lookCount === null ? ', reading replies included' : '';
  return [
    ...parts.map((name) => {
      const text = `The busiest client thread was ${formatShare(shares[name])} of the time ${PART_TEXT[name](record)}${undivided(name)}.`;
      return fact(`client.time.${name}`, shares[name], 'share', text);
    }),
    ...allocationEvidence(record),
    ...quotaEvidence(record),
    ...rivalsEvidence(time, record),
  ];
}

/** A user's codec by its file; a built-in by its name. */
function codecName({ plan }: LoadRecord): string {
  return printable(plan.codec ?? plan.protocol, 60);
}

function isUsersCodec({ plan }: LoadRecord): boolean {
  return /\.(ts|mts|js|mjs)$/.test(plan.codec ?? '');
}

/** Bytes of V8's heap for each reply, when a user's codec makes enough of them to matter; null: it does not. */
function allocatedPerReply(record: LoadRecord): number | null {
  const replies = amount(record.counts.ok) + amount(record.counts.wrong);
  const bytes =
    sumBy(record.client.threads, (thread) => amount(thread.allocatedBytes)) / Math.max(1, replies);
  return isUsersCodec(record) && replies >= CLIENT.minReplies && bytes >= CLIENT.allocatedBytes
    ? bytes
    : null;
}

function allocationEvidence(record: LoadRecord): Evidence[] {
  const bytes = allocatedPerReply(record);
  if (bytes === null) return [];
  const count = sumBy(record.client.threads, (thread) => amount(thread.gcCount));
  const text = `${codecName(record)} allocates about ${formatBytes(bytes)} a reply; ${count} collections of garbage took ${formatNs(record.client.gcPauseNs)}.`;
  return [fact('client.allocated_per_reply', bytes, 'bytes', text)];
}

function quotaEvidence({ client }: LoadRecord): Evidence[] {
  if (!client.quota || amount(client.throttledNs) === 0) return [];
  const { path, cpus } = client.quota;
  const text = `The quota is that of cgroup ${printable(path, 200)}: ${quotaText(cpus)}.`;
  return [fact('client.quota', cpus, 'CPUs', text)];
}

function quotaText(cpus: number): string {
  return cpus < 1 ? `${formatShare(cpus)} of one CPU` : `${Number(cpus.toPrecision(3))} CPUs`;
}

/** Who ran instead: only worth a word when the client waited for a CPU. */
function rivalsEvidence({ shares }: ClientTime, { client }: LoadRecord): Evidence[] {
  const rivals = client.rivals ?? [];
  if (shares.queue < CLIENT.partWorth || rivals.length === 0) return [];
  const named = rivals.slice(0, CLIENT.rivalsTold).map(({ pid, comm, cpuNs }, i) => {
    const used = `${formatShare(ratio(cpuNs, client.wallNs))} of a CPU`;
    return `${printable(comm, 40)} (pid ${pid})${i === 0 ? ` used ${used}` : ` ${used}`}`;
  });
  return [fact('client.rivals', rivals[0]!.comm, '', `Meanwhile, on its CPUs, ${named.join(', ')}.`)];
}

/** For the reasons, the largest first, and for those that a self-check found. */
export function reasonAdvice(
  time: ClientTime | null,
  { record }: LoadFacts,
  failed: ReadonlySet<string>,
): string[] {
  const names = time ? clientReasons(time).map(({ name }) => name) : [];
  const found = (Object.keys(OF_CHECK) as (keyof typeof OF_CHECK)[]).filter((check) => failed.has(check));
  const all = new Set([...names, ...found.map((check) => OF_CHECK[check])]);
  return [...all].flatMap((name) => ADVICE[name](record));
}

const OF_CHECK = { 'client-throttled': 'quota', 'client-run-queue': 'queue', 'client-cpu': 'own' } as const;

const ADVICE: Record<ClientReason['name'], (record: LoadRecord) => string[]> = {
  quota: ({ client }) => [
    client.quota
      ? `raise or remove the CPU quota of the client’s cgroup, ${printable(client.quota.path, 200)}`
      : 'raise or remove the CPU quota of the client’s cgroup',
  ],
  queue: () => ['give the client CPUs of its own, away from the server’s'],
  kernel: () => ['raise --threads, if there are CPUs for them'],
  codec: (record) =>
    allocatedPerReply(record) !== null
      ? [`have ${codecName(record)} keep what it makes from one reply to the next, or make nothing`]
      : isUsersCodec(record)
        ? [`make ${codecName(record)} do less for each reply`]
        : ['ask for smaller replies, or raise --threads, if there are CPUs for them'],
  checks: () => ['check less of each reply, or raise --threads, if there are CPUs for them'],
  own: () => ['raise --threads, if there are CPUs for them'],
};
