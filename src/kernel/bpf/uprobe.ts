/**
 * User functions as events. The kernel puts a breakpoint on each instruction in question, in every process in question,
 * and takes it away when the descriptor is closed, however its owner ends.
 *
 * Two ways: a uprobe_multi link (since 6.6) takes any number of places of a file at once; the uprobe kind of
 * perf_event_open(2) (since 4.17, with cookies since 5.15) one each, and the kernel waits for a grace period or two,
 * about 0.1 s, whenever one goes.
 */
import { readFileSync } from 'node:fs';
import { LoopscopeError } from '../../base/errors.ts';
import {
  BPF_F_UPROBE_MULTI_RETURN,
  BPF_LINK_CREATE,
  BPF_PERF_EVENT,
  BPF_TRACE_UPROBE_MULTI,
  bpf_attr_link_create,
} from '../abi/bpf.ts';
import { pack } from '../abi/layout.ts';
import { PERF_FLAG_FD_CLOEXEC, perf_event_attr } from '../abi/perf-event.ts';
import { __NR_perf_event_open } from '../abi/syscall-numbers.ts';
import { ERRNO } from '../errno.ts';
import { addressOf, describeErrno, offHeap, syscall } from '../libc.ts';
import { closeFd } from '../sockets.ts';
import { bpf, bpfError } from './command.ts';

const DEVICE = '/sys/bus/event_source/devices/uprobe';
/** ENOTSUPP, the kernel's own and not ENOTSUP: include/linux/errno.h. */
const ENOTSUPP = 524;

export type UprobePlaces = {
  /** As this process reaches the file: /proc/PID/map_files/… also when it was deleted, or lies in a container. */
  path: string;
  /** Null: every process that has the file mapped. */
  pid: number | null;
  /** Of the instructions, within the file, each with the cookie that tells the program which it was. */
  places: readonly { fileOffset: number; cookie: number }[];
};

export type UprobeWay = 'multi' | 'perf';

/**
 * Whether a program that was loaded with BPF_TRACE_UPROBE_MULTI can be tied to many places at once here: the root folder
 * is no regular file, and only a kernel that knows the kind gets as far as to say so.
 */
export function offersUprobeMulti(programFd: number): boolean {
  return (
    linkMulti(programFd, { path: '/', pid: null, places: [{ fileOffset: 4, cookie: 0 }] }, false) ===
    -ERRNO.EBADF
  );
}

/**
 * Runs a program at each entry to functions, or at each return from them. All descriptors must be closed to untie it.
 * Throws BPF_LOAD, PERMISSION, PROCESS_EXITED or KERNEL_FEATURE.
 */
export function attachUprobes(
  way: UprobeWay,
  programFd: number,
  target: UprobePlaces,
  atReturn: boolean,
): number[] {
  if (way === 'multi') {
    const result = linkMulti(programFd, target, atReturn);
    if (result < 0) throw refused('BPF_LINK_CREATE of uprobes', -result, target.path);
    return [result];
  }
  const fds: number[] = [];
  try {
    const kind = uprobeKind();
    for (const { fileOffset, cookie } of target.places) {
      const eventFd = openEvent(kind, target, fileOffset, atReturn);
      fds.push(eventFd);
      const { result } = bpf(BPF_LINK_CREATE, bpf_attr_link_create, {
        prog_fd: programFd,
        target_fd: eventFd,
        attach_type: BPF_PERF_EVENT,
        'perf_event.bpf_cookie': cookie,
      });
      if (result < 0) throw refusedLink(-result);
      fds.push(result);
    }
    // The link before the event that it holds on to.
    return fds.reverse();
  } catch (error) {
    for (const fd of fds.reverse()) closeFd(fd);
    throw error;
  }
}

function linkMulti(programFd: number, { path, pid, places }: UprobePlaces, atReturn: boolean): number {
  const name = textBytes(path);
  const offsets = wordsOf(places.map(({ fileOffset }) => fileOffset));
  const cookies = wordsOf(places.map(({ cookie }) => cookie));
  const { result } = bpf(BPF_LINK_CREATE, bpf_attr_link_create, {
    prog_fd: programFd,
    attach_type: BPF_TRACE_UPROBE_MULTI,
    'uprobe_multi.path': addressOf(name),
    'uprobe_multi.offsets': addressOf(offsets),
    'uprobe_multi.cookies': addressOf(cookies),
    'uprobe_multi.cnt': places.length,
    'uprobe_multi.flags': atReturn ? BPF_F_UPROBE_MULTI_RETURN : 0,
    'uprobe_multi.pid': pid ?? 0,
  });
  return result;
}

function textBytes(text: string): Uint8Array {
  const bytes = Buffer.from(`${text}\0`);
  const copy = offHeap(bytes.length);
  copy.set(bytes);
  return copy;
}

function wordsOf(values: readonly number[]): Uint8Array {
  const bytes = offHeap(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setBigUint64(index * 8, BigInt(value), true);
  });
  return bytes;
}

type UprobeKind = { type: number; returnBit: bigint };

/** The numbers of the event kind. Throws KERNEL_FEATURE where this kernel has none. */
export function uprobeKind(device = DEVICE): UprobeKind {
  try {
    const type = Number(readFileSync(`${device}/type`, 'latin1'));
    // "config:0"
    const bit = /^config:(\d+)$/.exec(readFileSync(`${device}/format/retprobe`, 'latin1').trim())?.[1];
    if (Number.isInteger(type) && bit !== undefined) return { type, returnBit: 1n << BigInt(bit) };
  } catch {
    // No such device.
  }
  throw new LoopscopeError(
    'KERNEL_FEATURE',
    `this kernel offers no uprobes: ${device} is not there (CONFIG_UPROBE_EVENTS is off)`,
    'loopscope trace syscalls and trace sched work without them',
  );
}

function openEvent(
  kind: UprobeKind,
  { path, pid }: UprobePlaces,
  fileOffset: number,
  atReturn: boolean,
): number {
  const attr = offHeap(perf_event_attr.byteLength);
  const name = textBytes(path);
  pack(attr, perf_event_attr, {
    type: kind.type,
    size: perf_event_attr.byteLength,
    config: atReturn ? kind.returnBit : 0n,
    uprobe_path: addressOf(name),
    probe_offset: fileOffset,
  });
  // An event of all processes wants a CPU to belong to; the program runs on all of them.
  const cpu = pid === null ? 0 : -1;
  const fd = syscall(__NR_perf_event_open, attr, pid ?? -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) throw refused('perf_event_open of a uprobe', -fd, path);
  return fd;
}

function refusedLink(errno: number): LoopscopeError {
  if (errno !== ERRNO.EINVAL) return bpfError('BPF_LINK_CREATE of a uprobe', errno);
  return new LoopscopeError(
    'KERNEL_FEATURE',
    `BPF_LINK_CREATE of a uprobe: ${describeErrno(errno)}: the kernel is older than Linux 5.15`,
    'loopscope trace syscalls and trace sched work without it',
  );
}

function refused(what: string, errno: number, path: string): LoopscopeError {
  if (errno === ERRNO.ESRCH) {
    return new LoopscopeError('PROCESS_EXITED', 'the process ended before it was probed', 'see ps -e');
  }
  const causes: Partial<Record<number, string>> = {
    [ERRNO.EMFILE]: 'too many open files: raise ulimit -n, or name fewer functions',
    [ERRNO.EINVAL]: `the kernel takes no probe at that place of ${path}`,
    [ENOTSUPP]: `an instruction there cannot be probed, in ${path}`,
    [ERRNO.EIO]: `the file system of ${path} cannot be probed`,
    [ERRNO.EBADF]: `${path} is no regular file`,
    [ERRNO.ENOENT]: `${path} is not there any more`,
  };
  const cause = causes[errno];
  if (cause === undefined) return bpfError(what, errno);
  return new LoopscopeError(
    'BPF_LOAD',
    `${what}: ${describeErrno(errno)}: ${cause}`,
    'leave out the function that is named, or trace what calls it',
  );
}
