import { printable } from '../../base/printable.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import type { Run } from '../../record/run.ts';
import { CROWD } from '../limits.ts';
import { parseCpuList } from './cpu-list.ts';
import { amount, sumBy } from './numbers.ts';

/** Who held the CPU while a loop waited for it. */
export type ActorKind = 'self' | 'sibling' | 'kernel' | 'other';

export type Actor = {
  pid: number;
  /** As the kernel gave it: hostile text. Use actorName() in sentences. */
  comm: string;
  kind: ActorKind;
};

export type ActorBook = {
  /**
   * The tool's own load fills the machine, and without it every loop could have a CPU of its own: that loops then queue
   * behind each other is the tool's doing.
   */
  crowdedBySelf: boolean;
  actorOf(pid: number, comm: string, kernelThread: boolean): Actor;
};

/** Tells loopscope's own threads, the watched server's other threads, kernel threads and everyone else apart. */
export function actorBook(run: Run): ActorBook {
  const self = new Set<number>(run.header.selfPids);
  for (const thread of run.load?.client.threads ?? []) self.add(thread.tid);
  const siblings = new Set<number>();
  for (const loop of run.observation?.loops ?? []) {
    siblings.add(loop.pid);
    siblings.add(loop.tid);
  }
  for (const neighbour of run.observation?.neighbours ?? []) {
    if (neighbour.isSelf) self.add(neighbour.pid);
    else if (neighbour.isWatched) siblings.add(neighbour.pid);
  }
  return {
    crowdedBySelf: isCrowdedBySelf(run),
    actorOf(pid, comm, kernelThread) {
      const kind = self.has(pid) ? 'self' : siblings.has(pid) ? 'sibling' : kernelThread ? 'kernel' : 'other';
      return { pid, comm, kind };
    },
  };
}

function isCrowdedBySelf(run: Run): boolean {
  const { observation } = run;
  const first = observation?.host[0];
  const last = observation?.host.at(-1);
  if (!observation || !first || !last || !(last.atNs > first.atNs)) return false;
  const spanNs = last.atNs - first.atNs;
  const ownNs = sumBy(observation.neighbours, (n) => (n.isSelf ? n.cpuNs : 0));
  const idleNs = sumBy(last.cpus, idleOf) - sumBy(first.cpus, idleOf);
  const allowed = new Set(observation.loops.flatMap((loop) => [...(parseCpuList(loop.cpusAllowed) ?? [])]));
  return (
    ownNs >= CROWD.ownCpus * spanNs &&
    idleNs <= CROWD.idleShare * spanNs * last.cpus.length &&
    observation.loops.length <= allowed.size
  );
}

function idleOf(cpu: { idleNs: number; iowaitNs: number }): number {
  return amount(cpu.idleNs) + amount(cpu.iowaitNs);
}

/** "burn (pid 4242)", fit for a sentence. */
export function actorName(actor: Pick<Actor, 'pid' | 'comm'>): string {
  return `${printable(actor.comm, 40).trim() || 'unnamed'} (pid ${actor.pid})`;
}

/** Enough to tell it from others of its name; the whole is in --json. */
const COMMAND_LENGTH_MAX = 60;

/** The command line of a neighbour, when it was recorded and says more than its name. */
export function commandLineOf(observation: ObservationRecord, pid: number): string | null {
  const neighbour = observation.neighbours.find((candidate) => candidate.pid === pid);
  const text = printable(neighbour?.commandLine ?? '', COMMAND_LENGTH_MAX).trim();
  return text && text !== neighbour?.comm ? text : null;
}
