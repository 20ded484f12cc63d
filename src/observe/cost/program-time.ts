/**
 * What our BPF programs take of a CPU, of late, for a budget that hangs on it: counted for a slice of every period, a
 * shorter one than program-cost.ts.
 */
import { closeFd } from '../../kernel/sockets.ts';
import { beginCountingRuns, readRuns } from './program-runs.ts';

export type ProgramTime = {
  /** Begins and ends slices; at the end of one, CPUs taken in it, else null. */
  step(): number | null;
  [Symbol.dispose](): void;
};

const PERIOD_NS = 1e9;
const SLICE_NS = 50e6;

export function watchProgramTime(programs: ReadonlyMap<string, number>, nowNs: () => number): ProgramTime {
  let statsFd = -1;
  let sliceStartNs = 0;
  let nextSliceNs = nowNs();
  let runNsBefore = 0;

  const runNs = () => [...programs.values()].reduce((sum, fd) => sum + readRuns(fd).runNs, 0);
  const close = () => {
    if (statsFd >= 0) closeFd(statsFd);
    statsFd = -1;
  };

  return {
    step() {
      // Without programs nothing is counted, and the kernel's switch for it is left alone.
      if (programs.size === 0) return 0;
      const now = nowNs();
      if (statsFd < 0) {
        if (now < nextSliceNs) return null;
        nextSliceNs = now + PERIOD_NS;
        statsFd = beginCountingRuns();
        if (statsFd < 0) return null;
        runNsBefore = runNs();
        sliceStartNs = nowNs();
        return null;
      }
      if (now - sliceStartNs < SLICE_NS) return null;
      const takenNs = runNs() - runNsBefore;
      const spanNs = nowNs() - sliceStartNs;
      close();
      return spanNs > 0 ? takenNs / spanNs : null;
    },
    [Symbol.dispose]: close,
  };
}
