/** What our own BPF programs cost over a run: counted for a slice of every period, and the figures say how large it was. */
import { closeFd } from '../kernel/sockets.ts';
import { beginCountingRuns, type ProgramRuns, readRuns } from './program-runs.ts';

const PERIOD_NS = 2e9;
const SLICE_NS = 200e6;

export type ProgramCost = {
  step(): void;
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
  let sampledNs = 0;
  const begin = () => {
    statsFd = beginCountingRuns();
    if (statsFd < 0) return;
    before = rows.map(({ fd }) => readRuns(fd));
    sliceStartNs = nowNs();
  };
  const stop = () => {
    if (statsFd < 0) return;
    sampledNs += nowNs() - sliceStartNs;
    rows.forEach((row, i) => {
      const { runNs, runCount } = readRuns(row.fd);
      row.runNs += runNs - before[i]!.runNs;
      row.runCount += runCount - before[i]!.runCount;
    });
    closeFd(statsFd);
    statsFd = -1;
  };
  return {
    step() {
      const phaseNs = (nowNs() - startNs) % PERIOD_NS;
      if (statsFd < 0 && phaseNs < SLICE_NS) begin();
      else if (statsFd >= 0 && phaseNs >= SLICE_NS) stop();
    },
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
