/**
 * The kernel's own account of how long our BPF programs ran. It is kept only while somebody asks for it, since it doubles
 * what a short program costs; who else asks for it (a live view, `kernel.bpf_stats_enabled`) makes it grow too, so only
 * differences within a slice of one's own mean anything.
 */
import {
  BPF_ENABLE_STATS,
  BPF_OBJ_GET_INFO_BY_FD,
  BPF_STATS_RUN_TIME,
  bpf_attr_enable_stats,
  bpf_attr_info,
  bpf_prog_info,
} from '../../kernel/abi/bpf.ts';
import { bpf } from '../../kernel/bpf/command.ts';
import { addressOf, offHeap } from '../../kernel/libc.ts';

export type ProgramRuns = { runNs: number; runCount: number };

const info = offHeap(bpf_prog_info.byteLength);
const view = new DataView(info.buffer, info.byteOffset, info.byteLength);

/** Counting goes on until the descriptor is closed; negative when the kernel does not let us (Linux 5.8). */
export function beginCountingRuns(): number {
  return bpf(BPF_ENABLE_STATS, bpf_attr_enable_stats, { type: BPF_STATS_RUN_TIME }).result;
}

/** Since the program was loaded, as far as it was counted. */
export function readRuns(programFd: number): ProgramRuns {
  info.fill(0);
  bpf(BPF_OBJ_GET_INFO_BY_FD, bpf_attr_info, {
    bpf_fd: programFd,
    info_len: info.length,
    info: addressOf(info),
  });
  return {
    runNs: Number(view.getBigUint64(bpf_prog_info.at.run_time_ns, true)),
    runCount: Number(view.getBigUint64(bpf_prog_info.at.run_cnt, true)),
  };
}
