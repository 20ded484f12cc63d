/** Ties functions to the processes that have their file mapped, and to those that come later. */
import { LoopscopeError } from '../../../base/errors.ts';
import { BPF_TRACE_UPROBE_MULTI } from '../../../kernel/abi/bpf.ts';
import {
  attachUprobes,
  offersUprobeMulti,
  type UprobePlaces,
  type UprobeWay,
} from '../../../kernel/bpf/uprobe.ts';
import { closeFd } from '../../../kernel/sockets.ts';
import type { TracedThread } from '../../../record/trace.ts';
import { functionThread } from '../layouts.ts';
import { type TraceOptions, TraceSession } from '../session.ts';
import { processesToTrace } from '../targets.ts';
import type { FoundFunction } from './find-functions.ts';
import { mappedFiles } from './mapped-files.ts';

const SKELETON = {
  url: new URL('./functions.skel.bin', import.meta.url),
  threadBytes: functionThread.byteLength,
};
const MULTI = { on_entry: BPF_TRACE_UPROBE_MULTI, on_exit: BPF_TRACE_UPROBE_MULTI };

/** Programs for whichever way this kernel offers; `only` asks for one of them, for tests. */
export function openFunctionSession(
  options: TraceOptions,
  only?: UprobeWay,
): { session: TraceSession; way: UprobeWay } {
  if (only !== 'perf') {
    const session = new TraceSession({ ...SKELETON, attachTypes: MULTI }, options);
    if (offersUprobeMulti(session.program('on_entry'))) return { session, way: 'multi' };
    session[Symbol.dispose]();
  }
  return { session: new TraceSession(SKELETON, options), way: 'perf' };
}

export type FunctionProbes = {
  /** Before events count. Throws what attaching throws, naming the function. */
  attachToAll(): void;
  /** To processes that the traced ones have started since. */
  attachToNew(): void;
  /** Processes among those of the threads that ended before they were probed. */
  unprobed(threads: readonly TracedThread[]): number;
  /** What could not be probed, for the report. */
  readonly notes: string[];
};

export function createProbes(
  session: TraceSession,
  functions: readonly FoundFunction[],
  way: UprobeWay,
): FunctionProbes {
  const { pids, follow, selfPids = [process.pid] } = session.options;
  const probed = new Set<number>();
  const notes: string[] = [];
  const attach = (key: string, path: string, pid: number | null) => {
    const places = functions.flatMap(({ file, fileOffset }, cookie) =>
      file.key === key ? [{ fileOffset, cookie }] : [],
    );
    if (places.length === 0) return;
    try {
      attachBoth(session, way, { path, pid, places });
    } catch (error) {
      throw blame(error, session, way, { path, pid, places }, functions);
    }
  };
  const attachTo = (pid: number) => {
    if (probed.has(pid)) return;
    probed.add(pid);
    for (const file of mappedFiles(pid)) attach(file.key, file.reachablePath, pid);
  };
  return {
    notes,
    attachToAll() {
      if (pids.length > 0) for (const pid of processesToTrace(pids, follow, selfPids)) attachTo(pid);
      else
        for (const file of new Set(functions.map((found) => found.file)))
          attach(file.key, file.reachablePath, null);
    },
    attachToNew() {
      if (pids.length === 0) return;
      const fresh = new Set<number>();
      session.readThreads(({ pid, ended }) => {
        if (!ended && !probed.has(pid)) fresh.add(pid);
      });
      for (const pid of fresh) {
        try {
          attachTo(pid);
        } catch (error) {
          // It ended meanwhile, most likely; a whole trace is not given up for it.
          if (notes.length < 20) notes.push(`process ${pid} is not probed: ${messageOf(error)}`);
        }
      }
    },
    unprobed: (threads) =>
      pids.length === 0 ? 0 : new Set(threads.map(({ pid }) => pid).filter((pid) => !probed.has(pid))).size,
  };
}

/** Returns before entries: a call that is entered is then sure to be seen to return. */
function attachBoth(session: TraceSession, way: UprobeWay, target: UprobePlaces): void {
  session.keep(...attachUprobes(way, session.program('on_exit'), target, true));
  session.keep(...attachUprobes(way, session.program('on_entry'), target, false));
}

/** Many places are refused as one: finds which it was. */
function blame(
  error: unknown,
  session: TraceSession,
  way: UprobeWay,
  target: UprobePlaces,
  functions: readonly FoundFunction[],
): unknown {
  if (!(error instanceof LoopscopeError) || error.code === 'PERMISSION') return error;
  const guilty = target.places.filter((place) => {
    try {
      const fds = attachUprobes(way, session.program('on_entry'), { ...target, places: [place] }, false);
      for (const fd of fds) closeFd(fd);
      return false;
    } catch {
      return true;
    }
  });
  const names = guilty.map(({ cookie }) => functions[cookie]?.name ?? '').slice(0, 5);
  const who = names.length === 0 ? '' : `${names.join(', ')}: `;
  return new LoopscopeError(error.code, who + error.message, error.hint, error);
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
