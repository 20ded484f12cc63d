/** Ties a program to its event. Each returns a descriptor: closing it, or our end, unties. */
import { BPF_RAW_TRACEPOINT_OPEN, bpf_attr_raw_tracepoint } from '../abi/bpf.ts';
import { pack } from '../abi/layout.ts';
import {
  PERF_ATTR_DISABLED,
  PERF_ATTR_FREQ,
  PERF_COUNT_SW_CPU_CLOCK,
  PERF_EVENT_IOC_DISABLE,
  PERF_EVENT_IOC_ENABLE,
  PERF_EVENT_IOC_SET_BPF,
  PERF_FLAG_FD_CLOEXEC,
  PERF_TYPE_SOFTWARE,
  PERF_TYPE_TRACEPOINT,
  perf_event_attr,
} from '../abi/perf-event.ts';
import { __NR_ioctl, __NR_perf_event_open } from '../abi/syscall-numbers.ts';
import { offHeap, syscall } from '../libc.ts';
import { closeFd } from '../sockets.ts';
import { bpf, bpfError } from './command.ts';

/** A tp_btf program: the tracepoint is named in the program itself. Throws BPF_LOAD. */
export function attachTracing(programFd: number): number {
  const { result } = bpf(BPF_RAW_TRACEPOINT_OPEN, bpf_attr_raw_tracepoint, { prog_fd: programFd });
  if (result < 0) throw bpfError('BPF_RAW_TRACEPOINT_OPEN', -result);
  return result;
}

/** A tracepoint program, on every CPU, by the tracepoint's number. Throws BPF_LOAD or PERMISSION. */
export function attachTracepoint(programFd: number, tracepointId: number): number {
  const fd = openPerfEvent({ type: PERF_TYPE_TRACEPOINT, config: tracepointId }, -1, 0);
  return bind(fd, programFd, true);
}

/** A perf_event program on a thread's own CPU time, `ratePerSec` samples a second; begins switched off. */
export function attachCpuClock(programFd: number, tid: number, ratePerSec: number): number {
  const fd = openPerfEvent(
    {
      type: PERF_TYPE_SOFTWARE,
      config: PERF_COUNT_SW_CPU_CLOCK,
      sample_freq: ratePerSec,
      flags: PERF_ATTR_FREQ | PERF_ATTR_DISABLED,
    },
    tid,
    -1,
  );
  return bind(fd, programFd, false);
}

/** Switches a perf event on or off. */
export function enablePerfEvent(fd: number, on: boolean): void {
  syscall(__NR_ioctl, fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

function openPerfEvent(
  values: Parameters<typeof pack<typeof perf_event_attr.fields>>[2],
  pid: number,
  cpu: number,
): number {
  const attr = offHeap(perf_event_attr.byteLength);
  pack(attr, perf_event_attr, { ...values, size: perf_event_attr.byteLength });
  const fd = syscall(__NR_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) throw bpfError('perf_event_open', -fd);
  return fd;
}

function bind(fd: number, programFd: number, enable: boolean): number {
  const result = syscall(__NR_ioctl, fd, PERF_EVENT_IOC_SET_BPF, programFd);
  if (result < 0) {
    closeFd(fd);
    throw bpfError('PERF_EVENT_IOC_SET_BPF', -result);
  }
  if (enable) enablePerfEvent(fd, true);
  return fd;
}
