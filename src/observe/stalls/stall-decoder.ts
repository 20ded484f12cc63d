/**
 * From the bytes of one stalled cycle to a Stall whose account adds up: what was measured is put under its name, and
 * the rest under `unexplainedNs`. Pure but for the two look-ups it is given.
 */
import { syscallName } from '../../kernel/abi/syscall-names.ts';
import type {
  BlockedSlice,
  RunQueueAccount,
  StackSample,
  Stall,
  StallAccount,
} from '../../record/observation.ts';
import {
  BLOCK_LIMIT,
  block,
  CALL_FROZEN,
  CALL_NONE,
  CALL_STOPPED,
  CALL_TRACED,
  COMM_BYTES,
  CONTENDER_LIMIT,
  contender,
  counters,
  NAME_BYTES,
  SAMPLE_DEPTH,
  SAMPLE_LIMIT,
  STACK_DEPTH,
  STALL_WAIT,
  sample,
  stall_event,
} from '../probes/layouts.ts';
import { takesDescriptor } from './descriptor-calls.ts';
import type { NamedStack } from './stack-unwinder.ts';

export type DecodeContext = {
  /** Offset of run start on CLOCK_MONOTONIC, ns. */
  startMonoNs: bigint;
  kernelSymbol(address: bigint): string;
  userSymbol(loopIndex: number, address: bigint): string;
  /** The user stack that came with a stall, by its place: a block's index, or BLOCK_LIMIT and a sample's. */
  userStack?(loopIndex: number, place: number): NamedStack | null;
};

const AF_INET = 2;
const AF_INET6 = 10;

const ENDED_BY_TIMER = new Set(['nanosleep', 'clock_nanosleep']);

/** Names kept of those who ran instead; the time of the others is counted as unknown. */
const CONTENDED_KEPT = 6;

/** A layout over bytes: small readers that keep the decoder free of offsets. */
class Reader {
  readonly #view: DataView;
  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
  i32(offset: number): number {
    return this.#view.getInt32(offset, true);
  }
  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }
  /** A duration or count: exact below 2^53. */
  ns(offset: number): number {
    return Number(this.#view.getBigUint64(offset, true));
  }
  i64(offset: number): number {
    return Number(this.#view.getBigInt64(offset, true));
  }
  ipv4(offset: number): string {
    return [0, 1, 2, 3].map((i) => this.#view.getUint8(offset + i)).join('.');
  }
  ipv6(offset: number): string {
    const groups = Array.from({ length: 8 }, (_, i) => this.#view.getUint16(offset + i * 2).toString(16));
    return groups.join(':').replace(/(^|:)0(:0)+(:|$)/, '::');
  }
  text(offset: number, length: number): string {
    const bytes = new Uint8Array(this.#view.buffer, this.#view.byteOffset + offset, length);
    const end = bytes.indexOf(0);
    return Buffer.from(bytes.subarray(0, end < 0 ? length : end)).toString('utf8');
  }
}

/** Null when the record is not one of ours (wrong length): counted by the caller. */
export function decodeStall(bytes: Uint8Array, context: DecodeContext): Stall | null {
  if (bytes.byteLength !== stall_event.byteLength) return null;
  const at = stall_event.at;
  const reader = new Reader(bytes);
  const kind = reader.u32(at.kind) === STALL_WAIT ? 'wait' : 'work';
  const wallNs = Number(reader.u64(at.end_ns) - reader.u64(at.start_ns));
  const timeoutNs = reader.i64(at.timeout_ns);
  const full = reader.u32(at.sched_seen) !== 0;
  const grown = (field: keyof typeof counters.at) => reader.ns(at.delta + counters.at[field]);
  return {
    loopIndex: reader.u32(at.loop_index),
    kind,
    startNs: Number(reader.u64(at.start_ns) - context.startMonoNs),
    wallNs,
    eventCount: kind === 'work' ? reader.u32(at.events) : 0,
    peekCount: kind === 'work' ? reader.u32(at.peeks) : 0,
    requestedTimeoutNs: kind === 'wait' ? timeoutNs : null,
    allowedSlackNs: kind === 'wait' ? reader.ns(at.slack_ns) : 0,
    cpu: reader.u32(at.cpu),
    detail: full ? 'full' : 'counters',
    account:
      kind === 'wait'
        ? waitAccount(reader, wallNs)
        : full
          ? fullAccount(reader, wallNs, context)
          : countersAccount(reader, wallNs, context),
    minorFaults: grown('min_flt'),
    majorFaults: grown('maj_flt'),
    voluntarySwitches: grown('nvcsw'),
    involuntarySwitches: grown('nivcsw'),
    ...(reader.ns(at.reclaim_ns) > 0 && { reclaimNs: Math.min(wallNs, reader.ns(at.reclaim_ns)) }),
    ...(reader.ns(at.dirty_ns) > 0 && { dirtyPauseNs: Math.min(wallNs, reader.ns(at.dirty_ns)) }),
    stacks: kind === 'work' ? readStacks(reader, context) : [],
  };
}

function fullAccount(reader: Reader, wallNs: number, context: DecodeContext): StallAccount {
  const at = stall_event.at;
  const blocked = readBlocks(reader, context);
  const otherNs = reader.ns(at.blocked_other_ns);
  if (otherNs > 0) blocked.push(unknownBlock(otherNs, 1));
  const onCpuNs = reader.ns(at.on_cpu_ns);
  // Steal and interrupts lie within the time on the CPU. Where the steal clock lags, some of it lies within interrupts, too.
  const stealNs = Math.min(onCpuNs, reader.ns(at.steal_ns));
  const irqNs = Math.min(onCpuNs - stealNs, reader.ns(at.irq_ns));
  const runQueue = readRunQueue(reader, reader.ns(at.runq_ns));
  const explainedNs = onCpuNs + runQueue.totalNs + blocked.reduce((sum, slice) => sum + slice.ns, 0);
  return {
    ...splitOnCpu(reader, onCpuNs - irqNs - stealNs, context),
    irqNs,
    stealNs,
    runQueue,
    blocked,
    unexplainedNs: Math.max(0, wallNs - explainedNs),
  };
}

/** Without the scheduler probes: the task's own counters give the run queue and, to a tick, the time on the CPU. */
function countersAccount(reader: Reader, wallNs: number, context: DecodeContext): StallAccount {
  const at = stall_event.at.delta;
  const runNs = Math.min(wallNs, reader.ns(at + counters.at.run_delay));
  const leftNs = wallNs - runNs;
  const execNs = reader.ns(at + counters.at.exec);
  // No voluntary switch: it never slept, so all that is left was spent on the CPU.
  const onCpuNs = reader.ns(at + counters.at.nvcsw) === 0 ? leftNs : Math.min(leftNs, execNs);
  const stealNs = Math.min(onCpuNs, reader.ns(at + counters.at.steal));
  const offNs = leftNs - onCpuNs;
  return {
    ...splitOnCpu(reader, onCpuNs - stealNs, context),
    irqNs: 0,
    stealNs,
    runQueue: { totalNs: runNs, contended: [], idleNs: 0, unknownNs: runNs },
    blocked: offNs > 0 ? [unknownBlock(offNs, reader.ns(at + counters.at.nvcsw))] : [],
    unexplainedNs: 0,
  };
}

/** A wait that ended late: runnable, or (timed waits) not even woken. Armed, of the last wake-up alone. */
function waitAccount(reader: Reader, wallNs: number): StallAccount {
  const at = stall_event.at;
  const armed = reader.u32(at.sched_seen) !== 0;
  const queuedNs = armed ? reader.ns(at.runq_ns) : reader.ns(at.delta + counters.at.run_delay);
  const delayNs = Math.min(wallNs, queuedNs);
  return {
    userNs: 0,
    system: [],
    irqNs: 0,
    stealNs: 0,
    runQueue: readRunQueue(reader, delayNs),
    blocked: [],
    unexplainedNs: wallNs - delayNs,
  };
}

/** User against system by samples of this very cycle; without samples by the tick counters; without those all user. */
function splitOnCpu(
  reader: Reader,
  onCpuNs: number,
  context: DecodeContext,
): Pick<StallAccount, 'userNs' | 'system'> {
  const at = stall_event.at;
  const userSamples = reader.u32(at.user_samples);
  const systemSamples = reader.u32(at.system_samples);
  const userTicks = reader.ns(at.delta + counters.at.utime);
  const systemTicks = reader.ns(at.delta + counters.at.stime);
  const [user, system] =
    userSamples + systemSamples > 0 ? [userSamples, systemSamples] : [userTicks, systemTicks];
  const systemNs = user + system > 0 ? (onCpuNs * system) / (user + system) : 0;
  const byCall = new Map<string, number>();
  const kept = Math.min(reader.u32(at.sample_count), SAMPLE_LIMIT);
  for (let i = 0; i < kept; i++) {
    const start = at.samples + i * sample.byteLength;
    if (reader.u32(start + sample.at.in_kernel) === 0) continue;
    const call = reader.i32(start + sample.at.call);
    const name = call === CALL_NONE ? outsideCalls(reader, start, context) : syscallName(call);
    byCall.set(name, (byCall.get(name) ?? 0) + 1);
  }
  const seen = [...byCall.values()].reduce((sum, count) => sum + count, 0);
  const calls = seen > 0 ? [...byCall].map(([call, count]) => ({ call, ns: (systemNs * count) / seen })) : [];
  if (seen === 0 && systemNs > 0) calls.push({ call: '', ns: systemNs });
  return { userNs: onCpuNs - systemNs, system: calls.sort((a, b) => b.ns - a.ns) };
}

/** In the kernel, but in no call: at a page fault, or on the way back from an interrupt, which has no name here. */
function outsideCalls(reader: Reader, start: number, context: DecodeContext): string {
  const depth = Math.min(reader.u32(start + sample.at.depth), SAMPLE_DEPTH);
  const names = readAddresses(reader, start + sample.at.ip, depth).map((address) =>
    context.kernelSymbol(address),
  );
  return names.some((name) => /page_fault|handle_mm_fault|do_mem_abort|^0x/.test(name)) ? 'page-fault' : '';
}

function readRunQueue(reader: Reader, totalNs: number): RunQueueAccount {
  const at = stall_event.at;
  const throttledNs = Math.min(totalNs, reader.ns(at.throttled_ns));
  const account: RunQueueAccount = { totalNs, contended: [], idleNs: throttledNs, throttledNs, unknownNs: 0 };
  let chargedNs = throttledNs;
  const count = Math.min(reader.u32(at.contender_count), CONTENDER_LIMIT);
  for (let i = 0; i < count; i++) {
    const start = at.contenders + i * contender.byteLength;
    const pid = reader.u32(start + contender.at.pid);
    const ns = Math.min(reader.ns(start + contender.at.ns), totalNs - chargedNs);
    if (ns <= 0) continue;
    chargedNs += ns;
    if (pid === 0) account.idleNs += ns;
    else {
      const comm = reader.text(start + contender.at.comm, COMM_BYTES);
      account.contended.push({
        pid,
        comm,
        kernelThread: reader.u32(start + contender.at.kernel_thread) !== 0,
        ns,
      });
    }
  }
  account.unknownNs = totalNs - chargedNs;
  account.contended.sort((a, b) => b.ns - a.ns);
  for (const rest of account.contended.splice(CONTENDED_KEPT)) account.unknownNs += rest.ns;
  return account;
}

function readBlocks(reader: Reader, context: DecodeContext): BlockedSlice[] {
  const at = stall_event.at;
  const slices: BlockedSlice[] = [];
  const loopIndex = reader.u32(at.loop_index);
  const count = Math.min(reader.u32(at.block_count), BLOCK_LIMIT);
  for (let i = 0; i < count; i++) {
    const start = at.blocks + i * block.byteLength;
    const depth = Math.min(reader.u32(start + block.at.depth), STACK_DEPTH);
    const kernelStack = readAddresses(reader, start + block.at.stack, depth).map((address) =>
      context.kernelSymbol(address),
    );
    const call = blockedIn(reader.i32(start + block.at.call));
    // A timer ends a sleep; the process it interrupts is nobody's waker.
    const wakerPid = ENDED_BY_TIMER.has(call) ? 0 : reader.u32(start + block.at.waker_pid);
    const takesFd = takesDescriptor(call);
    const user = reader.u32(start + block.at.copied) === 0 ? null : context.userStack?.(loopIndex, i);
    slices.push({
      call,
      ns: reader.ns(start + block.at.ns),
      count: reader.u32(start + block.at.count),
      fd: takesFd ? reader.i32(start + block.at.fd) : null,
      fdPath: takesFd ? readDescriptor(reader, start) : null,
      uninterruptible: reader.u32(start + block.at.uninterruptible) !== 0,
      waker:
        wakerPid > 0 ? { pid: wakerPid, comm: reader.text(start + block.at.waker_comm, COMM_BYTES) } : null,
      kernelStack,
      ...(user && { userStack: user.frames }),
      ...(user?.cutBecause !== undefined && { userStackCut: user.cutBecause }),
    });
  }
  return slices.filter((slice) => slice.ns > 0).sort((a, b) => b.ns - a.ns);
}

const BLOCKED_IN = new Map([
  [CALL_NONE, 'page-fault'],
  [CALL_STOPPED, 'stopped'],
  [CALL_TRACED, 'traced'],
  [CALL_FROZEN, 'frozen'],
]);

function blockedIn(call: number): string {
  return BLOCKED_IN.get(call) ?? syscallName(call);
}

/** Of a stall record that is being built: its times, and what goes on now, come from elsewhere. Null: not a record. */
export function accountSoFar(
  bytes: Uint8Array,
  wallNs: number,
  now: { onCpuNs: number; queuedNs: number },
  kernelSymbol: (address: bigint) => string,
): StallAccount | null {
  if (bytes.byteLength !== stall_event.byteLength) return null;
  const at = stall_event.at;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const add = (offset: number, ns: number) =>
    view.setBigUint64(offset, view.getBigUint64(offset, true) + BigInt(Math.round(ns)), true);
  add(at.on_cpu_ns, now.onCpuNs);
  add(at.runq_ns, now.queuedNs);
  // These are counted at the end: what is there is of an earlier stall.
  bytes.fill(0, at.delta, at.delta + counters.byteLength);
  const userSymbol = () => '';
  return fullAccount(new Reader(bytes), wallNs, { startMonoNs: 0n, kernelSymbol, userSymbol });
}

/** Who ran instead, from a stall record that may be unfinished: what it does not say of `totalNs` is unknown. */
export function runQueueOf(bytes: Uint8Array, totalNs: number): RunQueueAccount {
  return readRunQueue(new Reader(bytes), totalNs);
}

/** A socket by its peer, a file by its name with up to two folders above it, as the kernel's dentries have them. */
function readDescriptor(reader: Reader, start: number): string | null {
  const family = reader.u32(start + block.at.family);
  const port = reader.u32(start + block.at.port_be);
  const peerPort = ((port & 0xff) << 8) | (port >> 8);
  if (family === AF_INET) return `socket:inet ${reader.ipv4(start + block.at.address)}:${peerPort}`;
  if (family === AF_INET6) return `socket:inet6 [${reader.ipv6(start + block.at.address)}]:${peerPort}`;
  if (family !== 0) return family === 1 ? 'socket:unix' : `socket:family ${family}`;
  const [file, folder, above] = [0, 1, 2].map((i) =>
    reader.text(start + block.at.names + i * NAME_BYTES, NAME_BYTES),
  );
  if (!file) return null;
  if (!folder) return file;
  if (folder === '/') return `/${file}`;
  return above === '/'
    ? `/${folder}/${file}`
    : above
      ? `…/${above}/${folder}/${file}`
      : `…/${folder}/${file}`;
}

function readStacks(reader: Reader, context: DecodeContext): StackSample[] {
  const at = stall_event.at;
  const loopIndex = reader.u32(at.loop_index);
  const stacks = new Map<string, StackSample>();
  const count = Math.min(reader.u32(at.sample_count), SAMPLE_LIMIT);
  for (let i = 0; i < count; i++) {
    const start = at.samples + i * sample.byteLength;
    const inKernel = reader.u32(start + sample.at.in_kernel) !== 0;
    const addresses = readAddresses(
      reader,
      start + sample.at.ip,
      Math.min(reader.u32(start + sample.at.depth), SAMPLE_DEPTH),
    );
    const user =
      reader.u32(start + sample.at.copied) === 0 ? null : context.userStack?.(loopIndex, BLOCK_LIMIT + i);
    const frames =
      user && !inKernel
        ? user.frames
        : addresses.map((address) =>
            inKernel ? context.kernelSymbol(address) : context.userSymbol(loopIndex, address),
          );
    const stack: StackSample = {
      count: 1,
      inKernel,
      frames,
      ...(user && inKernel && { userFrames: user.frames }),
      ...(user?.cutBecause !== undefined && { cutBecause: user.cutBecause }),
    };
    const key = JSON.stringify(stack);
    const known = stacks.get(key);
    if (known) known.count++;
    else stacks.set(key, stack);
  }
  // Taken, but not kept: that it ran is known, not where.
  const taken = Math.min(reader.u32(at.user_samples) + reader.u32(at.system_samples), SAMPLE_LIMIT);
  if (taken > count) stacks.set('', { count: taken - count, inKernel: false, frames: [] });
  return [...stacks.values()].sort((a, b) => b.count - a.count);
}

function readAddresses(reader: Reader, offset: number, depth: number): bigint[] {
  return Array.from({ length: depth }, (_, i) => reader.u64(offset + i * 8)).filter(
    (address) => address !== 0n,
  );
}

function unknownBlock(ns: number, count: number): BlockedSlice {
  return {
    call: 'unknown',
    ns,
    count,
    fd: null,
    fdPath: null,
    uninterruptible: false,
    waker: null,
    kernelStack: [],
  };
}
