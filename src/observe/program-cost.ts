/**
 * What our own BPF programs cost. The kernel keeps run times only while asked to (BPF_ENABLE_STATS), which itself costs
 * two clock readings a run: so it is asked for one slice of every period, and the figures say how large the share was.
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
  const info = offHeap(bpf_prog_info.byteLength);
  let statsFd = -1;
  let sliceStartNs = 0;
  let sampledNs = 0;
  const stop = () => {
    if (statsFd < 0) return;
    sampledNs += nowNs() - sliceStartNs;
    closeFd(statsFd);
    statsFd = -1;
  };
  return {
    step() {
      const phaseNs = (nowNs() - startNs) % PERIOD_NS;
      if (statsFd < 0 && phaseNs < SLICE_NS) {
        statsFd = bpf(BPF_ENABLE_STATS, bpf_attr_enable_stats, { type: BPF_STATS_RUN_TIME }).result;
        sliceStartNs = nowNs();
      } else if (statsFd >= 0 && phaseNs >= SLICE_NS) stop();
    },
    finish() {
      stop();
      const wallNs = nowNs() - startNs;
      const sampledShare = wallNs > 0 ? Math.min(1, sampledNs / wallNs) : 0;
      const scale = sampledShare > 0 ? 1 / sampledShare : 0;
      const rows = [...programs].map(([name, fd]) => {
        info.fill(0);
        bpf(BPF_OBJ_GET_INFO_BY_FD, bpf_attr_info, {
          bpf_fd: fd,
          info_len: info.length,
          info: addressOf(info),
        });
        const view = new DataView(info.buffer);
        return {
          name,
          runNs: Number(view.getBigUint64(bpf_prog_info.at.run_time_ns, true)) * scale,
          runCount: Math.round(Number(view.getBigUint64(bpf_prog_info.at.run_cnt, true)) * scale),
        };
      });
      return { programs: rows.filter((row) => row.runCount > 0), sampledShare };
    },
    [Symbol.dispose]: stop,
  };
}
