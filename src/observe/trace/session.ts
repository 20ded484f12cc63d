/**
 * What all traces share: the programs loaded and tied to their events, the switch that opens and closes the time in which
 * events count, waiting, and everything untied at the end. Links are descriptors: they go with this process, however it
 * ends.
 */
import { LoopscopeError } from '../../base/errors.ts';
import { BPF_OBJ_GET_INFO_BY_FD, bpf_attr_info, bpf_prog_info } from '../../kernel/abi/bpf.ts';
import { attachTracing } from '../../kernel/bpf/attach.ts';
import { bpf } from '../../kernel/bpf/command.ts';
import { type LoadedObject, loadSkeleton } from '../../kernel/bpf/light-skeleton.ts';
import { mapArray } from '../../kernel/bpf/map.ts';
import { walkHash } from '../../kernel/bpf/map-walk.ts';
import { addressOf, offHeap } from '../../kernel/libc.ts';
import type { Mapping } from '../../kernel/mmap.ts';
import { readStat } from '../../kernel/proc/process-stat.ts';
import { closeFd } from '../../kernel/sockets.ts';
import type { TraceBase, TraceCost } from '../../record/trace.ts';
import { measureProgramCost } from '../cost/program-cost.ts';
import { control, THREAD_LIMIT, task_part } from './layouts.ts';
import { commAt } from './read-fields.ts';
import { addThreads, processesToTrace } from './targets.ts';

export type TraceOptions = {
  /** As the user named it, for the report. */
  subject: string;
  /** Empty: every process (functions of a file only). */
  pids: readonly number[];
  /** Trace what they start, and what they have started. */
  follow: boolean;
  durationNs: number;
  /** Ends the trace early; what was counted is reported. */
  signal?: AbortSignal;
  /** Events count from now on. */
  onStart?: () => void;
  /** Loopscope's own processes, never traced. */
  selfPids?: readonly number[];
  /** Rows of maps by name, where they are to be fewer than usual: to see what is said of those lost. */
  mapSizes?: Record<string, number>;
};

const POLL_MS = 20;

export type ThreadRow = { tid: number; pid: number; comm: string; ended: boolean; view: DataView };

export type Skeleton = {
  url: URL;
  /** Size of its struct thread. */
  threadBytes: number;
  /** As loadSkeleton() takes them. */
  mapSizes?: Record<string, number>;
  attachTypes?: Record<string, number>;
};

export class TraceSession {
  readonly object: LoadedObject;
  readonly options: TraceOptions;
  readonly #links: number[] = [];
  readonly #control: Mapping;
  readonly #words: DataView;
  #cost: TraceCost = { programs: [], sampledShare: 0 };
  readonly #threadBytes: number;
  #threadsLost = 0;
  /** When each process that was named began: its number may be another's before the end. */
  readonly #beganTicks: ReadonlyMap<number, number | undefined>;
  #startNs = 0n;
  #endNs = 0n;
  #startedAtMs = 0;
  #endedEarly: string | null = null;

  constructor(skeleton: Skeleton, options: TraceOptions) {
    this.options = options;
    this.#threadBytes = skeleton.threadBytes;
    this.#beganTicks = new Map(options.pids.map((pid) => [pid, readStat(pid)?.startTicks]));
    this.object = explained(() =>
      loadSkeleton(skeleton.url, { ...skeleton.mapSizes, ...options.mapSizes }, skeleton.attachTypes),
    );
    this.#control = mapArray(this.map('control'), control.byteLength);
    this.#words = new DataView(this.#control.buffer, 0, control.byteLength);
  }

  map(name: string): number {
    return this.object.maps.get(name)!;
  }

  program(name: string): number {
    return this.object.programs.get(name)!;
  }

  /** Ties programs to the events that they name themselves, in this order. */
  attach(...names: string[]): void {
    for (const name of names) this.#links.push(explained(() => attachTracing(this.program(name))));
  }

  /** Closed with the rest at the end. */
  keep(...fds: number[]): void {
    this.#links.push(...fds);
  }

  /** Once the fork program is attached. */
  listThreads(): void {
    const { pids, follow, selfPids = [process.pid] } = this.options;
    this.#words.setUint32(control.at.follow, follow ? 1 : 0, true);
    if (pids.length === 0) {
      this.#words.setUint32(control.at.any, 1, true);
      return;
    }
    const processes = () => processesToTrace(pids, follow, selfPids);
    this.#threadsLost = addThreads(this.map('threads'), this.#threadBytes, processes);
  }

  /** How many processes the traced ones have started so far. */
  births(): number {
    return this.#words.getUint32(control.at.births, true);
  }

  /** Events count from here to the end of the wait: its time is up, or the signal came, or nothing is left to trace. */
  async run(poll: () => void = () => {}): Promise<void> {
    this.#startedAtMs = Date.now();
    this.#startNs = process.hrtime.bigint();
    this.#words.setBigUint64(control.at.start_ns, this.#startNs, true);
    this.#switch(true);
    // Begins with a slice that is measured: even a short trace has one.
    using cost = measureProgramCost(this.object.programs, () =>
      Number(process.hrtime.bigint() - this.#startNs),
    );
    cost.step();
    this.options.onStart?.();
    const endNs = this.#startNs + BigInt(Math.round(this.options.durationNs));
    while (!this.options.signal?.aborted) {
      const leftMs = Number(endNs - process.hrtime.bigint()) / 1e6;
      if (leftMs <= 0) break;
      await pause(Math.min(POLL_MS, leftMs), this.options.signal);
      cost.step();
      poll();
      if (this.#nothingLeft()) {
        this.#endedEarly = 'every traced process has ended';
        break;
      }
    }
    this.#switch(false);
    this.#endNs = process.hrtime.bigint();
    this.#cost = cost.finish();
    if (this.options.signal?.aborted) this.#endedEarly = 'it was interrupted';
  }

  /** CLOCK_MONOTONIC at the end, ns. */
  get endNs(): number {
    return Number(this.#endNs);
  }

  get startNs(): number {
    return Number(this.#startNs);
  }

  /** Hands over every thread's row. Names of threads that live are read anew: a program may rename itself. */
  readThreads(take: (row: ThreadRow) => void): void {
    walkHash(this.map('threads'), 4, this.#threadBytes, THREAD_LIMIT, (key, view) => {
      const tid = key.getUint32(0, true);
      const pid = view.getUint32(task_part.at.tgid, true);
      const ended = view.getUint32(task_part.at.ended, true) !== 0;
      const comm = (ended ? null : readStat(pid, tid)?.comm) ?? commAt(view, task_part.fields.comm);
      take({ tid, pid, comm, ended, view });
    });
  }

  /** The part of the result that all traces have. */
  finish(): TraceBase {
    const misses = [...this.object.programs.values()].reduce((sum, fd) => sum + recursionMisses(fd), 0);
    return {
      subject: this.options.subject,
      pids: [...this.options.pids],
      follow: this.options.follow,
      startedAtMs: this.#startedAtMs,
      durationNs: Number(this.#endNs - this.#startNs),
      endedEarly: this.#endedEarly,
      births: this.births(),
      losses: {
        threads: this.#threadsLost + this.#counter(control.at.threads_lost),
        rows: this.#counter(control.at.rows_lost),
        unchargedNs: this.#counter(control.at.lost_ns),
        skipped: misses + this.#counter(control.at.unseen),
        unprobedChildren: 0,
      },
      cost: this.#cost,
      notes: [],
    };
  }

  [Symbol.dispose](): void {
    for (const fd of this.#links.splice(0)) closeFd(fd);
    this.#control[Symbol.dispose]();
    this.object[Symbol.dispose]();
  }

  #switch(on: boolean): void {
    Atomics.store(new Int32Array(this.#control.buffer, 0, 1), 0, on ? 1 : 0);
  }

  #counter(offset: number): number {
    return Number(this.#words.getBigUint64(offset, true));
  }

  #nothingLeft(): boolean {
    const { pids } = this.options;
    if (pids.length === 0 || !pids.every((pid) => hasEnded(pid, this.#beganTicks.get(pid)))) return false;
    let left = false;
    this.readThreads((row) => {
      left ||= !row.ended && !hasEnded(row.pid);
    });
    return !left;
  }
}

function hasEnded(pid: number, beganTicks?: number): boolean {
  const stat = readStat(pid);
  if (stat === null || stat.state === 'Z' || stat.state === 'X') return true;
  return beganTicks !== undefined && stat.startTicks !== beganTicks;
}

/** Runs of a program that the kernel skipped: it was already running on that CPU. Since Linux 5.12. */
function recursionMisses(programFd: number): number {
  const info = offHeap(bpf_prog_info.byteLength);
  bpf(BPF_OBJ_GET_INFO_BY_FD, bpf_attr_info, {
    bpf_fd: programFd,
    info_len: info.length,
    info: addressOf(info),
  });
  return Number(new DataView(info.buffer).getBigUint64(bpf_prog_info.at.recursion_misses, true));
}

/** The hints of the loader speak of watching, which can do without BPF; a trace cannot. */
function explained<T>(attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof LoopscopeError)) throw error;
    const hint =
      error.code === 'PERMISSION'
        ? `sudo loopscope ${process.argv.slice(2).join(' ')}, or give this user CAP_BPF and CAP_PERFMON`
        : 'tracing needs a kernel of 5.18 or later with BTF (/sys/kernel/btf/vmlinux)';
    throw new LoopscopeError(error.code, error.message, hint, error);
  }
}

/** Resolves after `ms`, or at once when the signal comes. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
