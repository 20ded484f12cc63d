/**
 * What our BPF programs take of a CPU, of late. The kernel keeps run times only while asked to, and that doubles what a
 * short program costs: so it is asked for a slice of every period.
 */
import {
  BPF_ENABLE_STATS,
  BPF_OBJ_GET_INFO_BY_FD,
  BPF_STATS_RUN_TIME,
  bpf_attr_enable_stats,
  bpf_attr_info,
  bpf_prog_info,
} from '../kernel/abi/bpf.ts';
import { bpf } from '../kernel/bpf/command.ts';
import { addressOf, offHeap } from '../kernel/libc.ts';
import { closeFd } from '../kernel/sockets.ts';

export type ProgramTime = {
  /** Begins and ends slices; at the end of one, CPUs taken in it, else null. */
  step(): number | null;
  [Symbol.dispose](): void;
};

const PERIOD_NS = 1e9;
const SLICE_NS = 50e6;

export function watchProgramTime(programs: ReadonlyMap<string, number>, nowNs: () => number): ProgramTime {
  const info = offHeap(bpf_prog_info.byteLength);
  const view = new DataView(info.buffer, info.byteOffset, info.byteLength);
  let statsFd = -1;
  let sliceStartNs = 0;
  let nextSliceNs = nowNs();
  let runNsBefore = 0;

  const runNs = () => {
    let sum = 0;
    for (const fd of programs.values()) {
      info.fill(0);
      bpf(BPF_OBJ_GET_INFO_BY_FD, bpf_attr_info, {
        bpf_fd: fd,
        info_len: info.length,
        info: addressOf(info),
      });
      sum += Number(view.getBigUint64(bpf_prog_info.at.run_time_ns, true));
    }
    return sum;
  };
  const close = () => {
    if (statsFd >= 0) closeFd(statsFd);
    statsFd = -1;
  };

  return {
    step() {
      const now = nowNs();
      if (statsFd < 0) {
        if (now < nextSliceNs) return null;
        nextSliceNs = now + PERIOD_NS;
        statsFd = bpf(BPF_ENABLE_STATS, bpf_attr_enable_stats, { type: BPF_STATS_RUN_TIME }).result;
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
