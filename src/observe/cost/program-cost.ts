/** What our own BPF programs cost over a run: counted for a slice of every period, and the figures say how large it was. */
import { closeFd } from '../../kernel/sockets.ts';
import { beginCountingRuns, type ProgramRuns, readRuns } from './program-runs.ts';

const PERIOD_NS = 2e9;
/** To begin and end a slice patches the kernel's code, which costs more than most of what is counted: later, seldom. */
const LATER_NS = 10e9;
const LATER_PERIOD_NS = 10e9;
const SLICE_NS = 200e6;

export type ProgramCost = {
  step(): void;
  /** Taken in the last slice that ended; null before there was one. */
  latestCpus(): number | null;
  finish(): { programs: { name: string; runNs: number; runCount: number }[]; sampledShare: number };
  [Symbol.dispose](): void;
};

/** Run times are scaled up to the whole run by the share that was sampled. */
export function measureProgramCost(programs: ReadonlyMap<string, number>, nowNs: () => number): ProgramCost {
  const startNs = nowNs();
  const rows = [...programs].map(([name, fd]) => ({ name, fd, runNs: 0, runCount: 0 }));
  let before: ProgramRuns[] = [];
  let statsFd = -1;
  let sliceStartNs = 0;
  let nextSliceNs = startNs;
  let sampledNs = 0;
  let latestCpus: number | null = null;
  const begin = () => {
    statsFd = beginCountingRuns();
    if (statsFd < 0) return;
    before = rows.map(({ fd }) => readRuns(fd));
    sliceStartNs = nowNs();
  };
  const stop = () => {
    if (statsFd < 0) return;
    const spanNs = nowNs() - sliceStartNs;
    let takenNs = 0;
    sampledNs += spanNs;
    rows.forEach((row, i) => {
      const { runNs, runCount } = readRuns(row.fd);
      const sliceNs = runNs - before[i]!.runNs;
      takenNs += sliceNs;
      row.runNs += sliceNs;
      row.runCount += runCount - before[i]!.runCount;
    });
    if (spanNs > 0) latestCpus = takenNs / spanNs;
    closeFd(statsFd);
    statsFd = -1;
  };
  return {
    step() {
      const now = nowNs();
      if (statsFd >= 0) {
        if (now - sliceStartNs >= SLICE_NS) stop();
      } else if (now >= nextSliceNs) {
        nextSliceNs = now + (now - startNs < LATER_NS ? PERIOD_NS : LATER_PERIOD_NS);
        begin();
      }
    },
    latestCpus: () => latestCpus,
    finish() {
      stop();
      const wallNs = nowNs() - startNs;
      const sampledShare = wallNs > 0 ? Math.min(1, sampledNs / wallNs) : 0;
      const scale = sampledShare > 0 ? 1 / sampledShare : 0;
      const scaled = rows.map(({ name, runNs, runCount }) => ({
        name,
        runNs: runNs * scale,
        runCount: Math.round(runCount * scale),
      }));
      return { programs: scaled.filter((row) => row.runCount > 0), sampledShare };
    },
    [Symbol.dispose]() {
      if (statsFd >= 0) closeFd(statsFd);
      statsFd = -1;
    },
  };
}
