/** Where threads are when they do not run, how long they wait for their turn, and who has it meanwhile. */
import { possibleCpuCount, walkHash } from '../../../kernel/bpf/map-walk.ts';
import { readStat } from '../../../kernel/proc/process-stat.ts';
import type { Rival, SchedThread, SchedTrace } from '../../../record/trace.ts';
import { RIVAL_LIMIT, rival, rival_key, schedThread, WHERE } from '../layouts.ts';
import { bucketsOf, commAt, u64At } from '../read-fields.ts';
import { type ThreadRow, type TraceOptions, TraceSession } from '../session.ts';

/**
 * Traces until its time is up, the signal comes or the processes are gone. Throws PERMISSION, BPF_LOAD or
 * NO_SUCH_PROCESS.
 */
export async function traceSched(options: TraceOptions): Promise<SchedTrace> {
  const skeleton = {
    url: new URL('./sched.skel.bin', import.meta.url),
    threadBytes: schedThread.byteLength,
    mapSizes: { logs: possibleCpuCount() },
  };
  using session = new TraceSession(skeleton, options);
  session.attach('on_fork', 'on_end');
  session.listThreads();
  session.attach('on_waking', 'on_wakeup', 'on_wakeup_new', 'on_migrate', 'on_switch');
  await session.run();
  const threads: SchedThread[] = [];
  session.readThreads((row) => threads.push(threadOf(row, session)));
  const base = session.finish();
  const traced = new Set(threads.map(({ tid }) => tid));
  return {
    ...base,
    kind: 'sched',
    threads: threads.sort((a, b) => b.waitNs - a.waitNs || b.runNs - a.runNs || a.tid - b.tid),
    rivals: readRivals(session, traced),
  };
}

function threadOf({ tid, pid, comm, ended, view }: ThreadRow, session: TraceSession): SchedThread {
  const { at, fields } = schedThread;
  const thread: SchedThread = {
    pid,
    tid,
    comm,
    ended,
    runNs: u64At(view, at.run_ns),
    waitNs: u64At(view, at.wait_ns),
    blockedNs: u64At(view, at.blocked_ns),
    voluntary: u64At(view, at.voluntary),
    involuntary: u64At(view, at.involuntary),
    migrations: u64At(view, at.migrations),
    wakeups: u64At(view, at.wakeups),
    waits: u64At(view, at.waits),
    waitMaxNs: u64At(view, at.wait_max_ns),
    wakeMaxNs: u64At(view, at.wake_max_ns),
    waitBuckets: bucketsOf([view], fields.wait_hist),
    wakeBuckets: bucketsOf([view], fields.wake_hist),
  };
  if (!ended) addLastState(thread, view, session);
  return thread;
}

/** From its last change to the end it stayed what it was; one that never changed is what /proc says it is. */
function addLastState(thread: SchedThread, view: DataView, session: TraceSession): void {
  const where = view.getUint32(schedThread.at.where, true);
  const sinceNs = where === WHERE.unknown ? session.startNs : u64At(view, schedThread.at.since_ns);
  const ns = Math.max(0, session.endNs - sinceNs);
  const running =
    where === WHERE.running || (where === WHERE.unknown && readStat(thread.pid, thread.tid)?.state === 'R');
  if (running) thread.runNs += ns;
  else if (where === WHERE.runnable) thread.waitNs += ns;
  else thread.blockedNs += ns;
}

function readRivals(session: TraceSession, traced: ReadonlySet<number>): Rival[] {
  const rivals: Rival[] = [];
  const keyAt = rival_key.at;
  walkHash(session.map('rivals'), rival_key.byteLength, rival.byteLength, RIVAL_LIMIT, (key, value) => {
    const rivalTid = key.getUint32(keyAt.pid, true);
    rivals.push({
      tid: key.getUint32(keyAt.tid, true),
      cpu: key.getUint32(keyAt.cpu, true),
      rivalPid: key.getUint32(keyAt.tgid, true),
      rivalTid,
      comm: rivalTid === 0 ? 'idle' : commAt(value, rival.fields.comm),
      kernelThread: value.getUint32(rival.at.kernel_thread, true) !== 0,
      traced: traced.has(rivalTid),
      ns: u64At(value, rival.at.ns),
      turns: u64At(value, rival.at.count),
    });
  });
  return rivals.sort((a, b) => b.ns - a.ns);
}
