/** Every system call of a process: what `strace -c` prints, and how long each took, without stopping anything. */
import { syscallName } from '../../../kernel/abi/syscall-names.ts';
import { perCpuReader, walkHash } from '../../../kernel/bpf/map-walk.ts';
import { errnoName } from '../../../kernel/errno.ts';
import type { SyscallRow, SyscallThread, SyscallTrace } from '../../../record/trace.ts';
import { CALL_LIMIT, call_stats, ERRNO_ROW_LIMIT, syscallThread } from '../layouts.ts';
import { bucketsOf, maxOf, sumOf, u64At } from '../read-fields.ts';
import { type ThreadRow, type TraceOptions, TraceSession } from '../session.ts';

const SKELETON = {
  url: new URL('./syscalls.skel.bin', import.meta.url),
  threadBytes: syscallThread.byteLength,
};

/**
 * Traces until its time is up, the signal comes or the processes are gone. Throws PERMISSION, BPF_LOAD or
 * NO_SUCH_PROCESS.
 */
export async function traceSyscalls(options: TraceOptions): Promise<SyscallTrace> {
  using session = new TraceSession(SKELETON, options);
  session.attach('on_fork', 'on_end', 'on_exec', 'on_switch');
  session.listThreads();
  session.attach('on_return', 'on_call');
  await session.run();
  const rows = readRows(session);
  const threads: SyscallThread[] = [];
  session.readThreads((row) => threads.push(threadOf(row, rows, session)));
  return {
    ...session.finish(),
    kind: 'syscalls',
    rows: [...rows.values()]
      .filter((row) => row.calls + row.beganBefore + row.inFlight + row.neverReturned > 0)
      .sort((a, b) => b.ns - a.ns || b.calls - a.calls),
    threads: threads.sort((a, b) => b.calls - a.calls || a.tid - b.tid),
  };
}

function readRows(session: TraceSession): Map<number, SyscallRow> {
  const rows = new Map<number, SyscallRow>();
  const reader = perCpuReader(session.map('stats'), call_stats.byteLength);
  const { fields } = call_stats;
  for (let number = 0; number < CALL_LIMIT; number++) {
    if (!reader.read(number)) continue;
    const { copies } = reader;
    const row = emptyRow(number);
    row.calls = sumOf(copies, fields.calls);
    row.beganBefore = sumOf(copies, fields.began_before);
    if (row.calls > 0) {
      row.errors = sumOf(copies, fields.errors);
      row.ns = sumOf(copies, fields.ns);
      row.offCpuNs = sumOf(copies, fields.off_ns);
      row.maxNs = maxOf(copies, fields.max_ns);
      row.buckets = bucketsOf(copies, fields.hist);
    }
    rows.set(number, row);
  }
  walkHash(session.map('errnos'), 4, 8, ERRNO_ROW_LIMIT, (key, value) => {
    const packed = key.getUint32(0, true);
    const name = kernelErrnoName(packed & 0xffff);
    rows.get(packed >>> 16)?.errnos.push({ name, count: u64At(value, 0) });
  });
  for (const row of rows.values()) row.errnos.sort((a, b) => b.count - a.count);
  return rows;
}

function emptyRow(number: number): SyscallRow {
  return {
    number,
    name: number === CALL_LIMIT - 1 ? 'other' : syscallName(number),
    calls: 0,
    errors: 0,
    ns: 0,
    offCpuNs: 0,
    maxNs: 0,
    buckets: [],
    errnos: [],
    beganBefore: 0,
    inFlight: 0,
    inFlightNsMax: 0,
    neverReturned: 0,
  };
}

/** A call under way at the end is noted in its row too. */
function threadOf(
  { tid, pid, comm, ended, view }: ThreadRow,
  rows: Map<number, SyscallRow>,
  session: TraceSession,
): SyscallThread {
  const call = view.getUint32(syscallThread.at.call, true);
  let inCall: SyscallThread['inCall'] = null;
  const row = call === 0 ? undefined : rows.get(Math.min(call - 1, CALL_LIMIT - 1));
  if (row && ended) row.neverReturned++;
  else if (row) {
    const ns = Math.max(0, session.endNs - u64At(view, syscallThread.at.enter_ns));
    row.inFlight++;
    row.inFlightNsMax = Math.max(row.inFlightNsMax, ns);
    inCall = { name: row.name, ns };
  }
  return {
    pid,
    tid,
    comm,
    ended,
    calls: u64At(view, syscallThread.at.calls),
    errors: u64At(view, syscallThread.at.errors),
    ns: u64At(view, syscallThread.at.ns),
    offCpuNs: u64At(view, syscallThread.at.off_ns),
    inCall,
  };
}

/** What a call returns to the kernel's own restarting, as strace(1) names it: include/linux/errno.h. */
const KERNEL_ERRNOS: Record<number, string> = {
  512: 'ERESTARTSYS',
  513: 'ERESTARTNOINTR',
  514: 'ERESTARTNOHAND',
  515: 'ENOIOCTLCMD',
  516: 'ERESTART_RESTARTBLOCK',
  524: 'ENOTSUPP',
};

function kernelErrnoName(errno: number): string {
  return KERNEL_ERRNOS[errno] ?? errnoName(errno);
}
