/** Tracing as functions: system calls, scheduling, or functions of a running process, by pid, name or port. */
import { LoopscopeError } from './base/errors.ts';
import { findProcesses } from './find-process.ts';
import { traceFunctions } from './observe/trace/functions/trace-functions.ts';
import { traceSched } from './observe/trace/sched/trace-sched.ts';
import { traceSyscalls } from './observe/trace/syscalls/trace-syscalls.ts';
import type { Trace } from './record/trace.ts';

export type TraceRequest = {
  what: 'syscalls' | 'sched' | 'functions';
  /** A pid, a name, ":port"; may be left out only with `binary`. */
  process?: string | number;
  /** For functions: "name", "file:name", "prefix_*". */
  functions?: readonly string[];
  /** For functions: the file they are in. Without `process`, in every process that has it mapped. */
  binary?: string;
  /** Also what the process has started and starts; true by default. */
  follow?: boolean;
  durationNs?: number;
  signal?: AbortSignal;
  /** Events count from now on. */
  onStart?: () => void;
};

const DEFAULT_DURATION_NS = 10e9;

/** Throws USAGE, NO_SUCH_PROCESS, PERMISSION, BPF_LOAD or KERNEL_FEATURE; what was counted before a signal is kept. */
export async function trace(request: TraceRequest): Promise<Trace> {
  const { what, process: subject, functions = [], binary, follow = true, signal, onStart } = request;
  if (subject === undefined && (what !== 'functions' || binary === undefined)) {
    throw new LoopscopeError(
      'USAGE',
      'no process to trace',
      what === 'functions' ? 'add --pid PROCESS, or --binary PATH' : `try loopscope trace ${what} nginx`,
    );
  }
  const options = {
    subject: String(subject ?? binary),
    pids: subject === undefined ? [] : findProcesses(String(subject)),
    follow,
    durationNs: request.durationNs ?? DEFAULT_DURATION_NS,
    ...(signal && { signal }),
    ...(onStart && { onStart }),
  };
  if (what === 'syscalls') return traceSyscalls(options);
  if (what === 'sched') return traceSched(options);
  return traceFunctions({ ...options, functions, ...(binary !== undefined && { binary }) });
}
