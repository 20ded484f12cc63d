/**
 * What this kernel lets us use, and why not: probed once, by trying, because version numbers lie (backports, seccomp
 * filters, sysctls). The answers go into the run file, so that a report can say what it could not see.
 */
import { readFileSync } from 'node:fs';
import {
  IO_URING_OP_SUPPORTED,
  IORING_FEAT_CQE_SKIP,
  IORING_FEAT_NODROP,
  IORING_FEAT_SINGLE_MMAP,
  IORING_OP_SEND_ZC,
  IORING_REGISTER_PROBE,
  IORING_SETUP_COOP_TASKRUN,
  IORING_SETUP_SINGLE_ISSUER,
  IORING_SETUP_TASKRUN_FLAG,
  io_uring_params,
  io_uring_probe,
  io_uring_probe_op,
} from './abi/io-uring.ts';
import { pack, unpack } from './abi/layout.ts';
import { __NR_io_uring_register, __NR_io_uring_setup } from './abi/syscall-numbers.ts';
import { ERRNO } from './errno.ts';
import { describeErrno, offHeap, syscall } from './libc.ts';
import { closeFd } from './sockets.ts';

/** Shaped like record's Capability. */
export type ProbedCapability = { name: string; available: boolean; reason: string; hides: string };

export type ProbeResult = { available: boolean; reason: string };

/** Set to 1 to do without io_uring: to compare the back ends, and to test the machine that has none. */
export const NO_IO_URING_VARIABLE = 'LOOPSCOPE_NO_IO_URING';

const NEEDED_FEATURES: readonly [number, string, string][] = [
  [IORING_FEAT_SINGLE_MMAP, 'one mapping for both rings', '5.4'],
  [IORING_FEAT_NODROP, 'completions that are never dropped', '5.5'],
  [IORING_FEAT_CQE_SKIP, 'sends without completions', '5.17'],
];

let ioUring: ProbeResult | undefined;

/** Whether the ring back end can run here. Tried once; the environment variable is read every time. */
export function probeIoUring(): ProbeResult {
  if (process.env[NO_IO_URING_VARIABLE] === '1') {
    return { available: false, reason: `refused by ${NO_IO_URING_VARIABLE}=1` };
  }
  ioUring ??= tryIoUring();
  return ioUring;
}

/** The capabilities the loop depends on, for the run header. */
export function probeLoopCapabilities(): ProbedCapability[] {
  const { available, reason } = probeIoUring();
  // Nothing is hidden without it: the epoll back end measures the same, at more CPU a request.
  const hides = available ? '' : 'nothing; the load side uses epoll, at more CPU per request';
  return [{ name: 'io_uring', available, reason, hides }];
}

function tryIoUring(): ProbeResult {
  const params = offHeap(io_uring_params.byteLength);
  pack(params, io_uring_params, {
    flags: IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER,
  });
  const fd = syscall(__NR_io_uring_setup, 4, params);
  if (fd < 0) return { available: false, reason: `io_uring_setup: ${whyRefused(-fd)}` };
  try {
    const features = unpack(params, io_uring_params, 'features');
    for (const [bit, what, since] of NEEDED_FEATURES) {
      if (!(features & bit)) return { available: false, reason: `no ${what} (Linux ${since})` };
    }
    if (!supportsOperation(fd, IORING_OP_SEND_ZC)) {
      return { available: false, reason: 'no multishot receive (Linux 6.0)' };
    }
    return { available: true, reason: '' };
  } finally {
    closeFd(fd);
  }
}

/** What an errno of io_uring_setup(2) most likely means here. */
function whyRefused(errno: number): string {
  const what = describeErrno(errno);
  if (errno === ERRNO.ENOSYS) return `${what}: this kernel has no io_uring, or a sandbox hides it`;
  if (errno === ERRNO.EINVAL) return `${what}: the kernel is older than Linux 6.0`;
  if (errno === ERRNO.ENOMEM) return `${what}: RLIMIT_MEMLOCK is too small; see ulimit -l`;
  if (errno !== ERRNO.EPERM && errno !== ERRNO.EACCES) return what;
  const disabled = readSetting('/proc/sys/kernel/io_uring_disabled');
  if (disabled === '2') return `${what}: kernel.io_uring_disabled = 2`;
  if (disabled === '1' && process.geteuid?.() !== 0) {
    return `${what}: kernel.io_uring_disabled = 1 and this user has neither CAP_SYS_ADMIN nor kernel.io_uring_group`;
  }
  return `${what}: a seccomp filter, as containers have, or a security module forbids it`;
}

function supportsOperation(ringFd: number, operation: number): boolean {
  const opCount = 256;
  const probe = offHeap(io_uring_probe.byteLength + opCount * io_uring_probe_op.byteLength);
  if (syscall(__NR_io_uring_register, ringFd, IORING_REGISTER_PROBE, probe, opCount) < 0) return false;
  if (operation > unpack(probe, io_uring_probe, 'last_op')) return false;
  const at = io_uring_probe.byteLength + operation * io_uring_probe_op.byteLength;
  return (unpack(probe, io_uring_probe_op, 'flags', at) & IO_URING_OP_SUPPORTED) !== 0;
}

function readSetting(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
