/** How long calls of user functions take, several at once, nested: entry and return by uprobes. */
import { LoopscopeError } from '../../../base/errors.ts';
import { perCpuReader, walkHash } from '../../../kernel/bpf/map-walk.ts';

import type { UprobeWay } from '../../../kernel/bpf/uprobe.ts';
import type { FunctionEdge, FunctionRow, FunctionTrace, TracedThread } from '../../../record/trace.ts';
import {
  EDGE_LIMIT,
  edge,
  FRAME_LIMIT,
  frame,
  function_stats,
  functionThread,
  NO_CALLER,
} from '../layouts.ts';
import { bucketsOf, maxOf, sumOf, u64At } from '../read-fields.ts';
import type { ThreadRow, TraceOptions, TraceSession } from '../session.ts';
import { processesToTrace } from '../targets.ts';
import { type FoundFunction, type FoundFunctions, findFunctions } from './find-functions.ts';
import { createProbes, openFunctionSession } from './function-probes.ts';
import { fileAt, mappedFiles } from './mapped-files.ts';

export type FunctionTraceOptions = TraceOptions & {
  /** "name", "file:name", "prefix_*". */
  functions: readonly string[];
  /** Search this file; without pids, in every process that has it mapped. */
  binary?: string;
  /** Which of the kernel's two ways; the better one where it offers both. */
  way?: UprobeWay;
};

const RESCAN_NS = 1_000_000_000n;

/** Throws USAGE with near misses, KERNEL_FEATURE, PERMISSION, BPF_LOAD, NO_SUCH_PROCESS or FILE_UNREADABLE. */
export async function traceFunctions(options: FunctionTraceOptions): Promise<FunctionTrace> {
  // First of all, whether this user may: without, a process's files cannot even be seen.
  const { session: opened, way } = openFunctionSession(options, options.way);
  using session = opened;
  const { functions, notes } = resolve(options);
  session.attach('on_fork', 'on_end', 'on_switch');
  session.listThreads();
  const probes = createProbes(session, functions, way);
  probes.attachToAll();
  let births = 0;
  let nextScanNs = process.hrtime.bigint() + RESCAN_NS;
  await session.run(() => {
    const nowNs = process.hrtime.bigint();
    if (session.births() === births && nowNs < nextScanNs) return;
    births = session.births();
    nextScanNs = nowNs + RESCAN_NS;
    probes.attachToNew();
  });
  const rows = functions.map((found, index) => rowOf(session, found, index));
  const threads: (TracedThread & { calls: number })[] = [];
  session.readThreads((thread) => threads.push(threadOf(thread, rows, session)));
  const base = session.finish();
  return {
    ...base,
    losses: { ...base.losses, unprobedChildren: probes.unprobed(threads) },
    notes: [...notes, ...probes.notes],
    kind: 'functions',
    rows,
    edges: readEdges(session),
    threads: threads.sort((a, b) => b.calls - a.calls || a.tid - b.tid),
  };
}

function resolve(options: FunctionTraceOptions): FoundFunctions {
  const { functions, binary, pids } = options;
  if (binary === undefined) {
    const processes = processesToTrace(pids, options.follow, options.selfPids ?? [process.pid]);
    const files = new Map(processes.flatMap((pid) => mappedFiles(pid)).map((file) => [file.key, file]));
    // A master may have been started by another program: what the named process runs comes first.
    return findFunctions(functions, [...files.values()]);
  }
  const file = fileAt(binary);
  if (pids.length === 0) return findFunctions(functions, [file]);
  const found = pids.flatMap((pid) => mappedFiles(pid)).filter((each) => each.module === file.module);
  if (found.length === 0) {
    throw new LoopscopeError(
      'USAGE',
      `--binary: process ${pids.join(', ')} has not mapped ${file.path}`,
      'leave out --pid to trace every process that has, or --binary to search what it has mapped',
    );
  }
  return findFunctions(functions, found.slice(0, 1));
}

function rowOf(session: TraceSession, { name, file }: FoundFunction, index: number): FunctionRow {
  const reader = perCpuReader(session.map('stats'), function_stats.byteLength);
  reader.read(index);
  const { fields } = function_stats;
  const sum = (field: keyof typeof fields) => sumOf(reader.copies, fields[field]);
  return {
    name,
    file: file.module.name,
    calls: sum('calls'),
    returns: sum('returns'),
    ns: sum('ns'),
    inclusiveNs: sum('inclusive_ns'),
    inclusiveOffCpuNs: sum('inclusive_off_ns'),
    exclusiveNs: sum('exclusive_ns'),
    exclusiveOffCpuNs: sum('exclusive_off_ns'),
    maxNs: maxOf(reader.copies, fields.max_ns),
    buckets: bucketsOf(reader.copies, fields.hist),
    exclusiveBuckets: bucketsOf(reader.copies, fields.exclusive_hist),
    recursive: sum('recursive'),
    tooDeep: sum('too_deep'),
    abandoned: sum('abandoned'),
    beganBefore: sum('unmatched'),
    inFlight: 0,
    inFlightNsMax: 0,
  };
}

/** Frames still open at the end are calls under way, or left without a return by a thread that called nothing since. */
function threadOf(
  { tid, pid, comm, ended, view }: ThreadRow,
  rows: FunctionRow[],
  session: TraceSession,
): TracedThread & { calls: number } {
  const depth = Math.min(FRAME_LIMIT, view.getUint32(functionThread.at.depth, true));
  for (let i = 0; i < depth; i++) {
    const at = functionThread.at.frames + i * frame.byteLength;
    const row = rows[view.getUint32(at + frame.at.function, true)];
    if (!row) continue;
    if (ended) row.abandoned++;
    else {
      row.inFlight++;
      row.inFlightNsMax = Math.max(row.inFlightNsMax, session.endNs - u64At(view, at + frame.at.start_ns));
    }
  }
  return { tid, pid, comm, ended, calls: u64At(view, functionThread.at.calls) };
}

function readEdges(session: TraceSession): FunctionEdge[] {
  const edges: FunctionEdge[] = [];
  walkHash(session.map('edges'), 4, edge.byteLength, EDGE_LIMIT, (key, value) => {
    const packed = key.getUint32(0, true);
    const caller = packed >>> 16;
    edges.push({
      caller: caller === NO_CALLER ? -1 : caller,
      callee: packed & 0xffff,
      calls: u64At(value, edge.at.calls),
      ns: u64At(value, edge.at.ns),
    });
  });
  return edges.sort((a, b) => a.caller - b.caller || b.ns - a.ns);
}
