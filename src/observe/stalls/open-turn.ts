/**
 * What a loop is in the middle of, as the probes' own state has it. It is read while they write it, without a lock: a
 * reading may mix two moments, and is believed as far as it agrees with itself.
 */
import { lookupElement } from '../../kernel/bpf/map.ts';
import { offHeap } from '../../kernel/libc.ts';
import {
  COMM_BYTES,
  counters,
  cpu_memory,
  loop_state,
  NEWEST_STACK,
  SAMPLE_DEPTH,
  STACKS_PER_LOOP,
  sample,
  stall_event,
  user_stack,
  WHERE_BLOCKED,
  WHERE_RUNNABLE,
  WHERE_RUNNING,
} from '../probes/layouts.ts';

/** Work: since when, on CLOCK_MONOTONIC, and the task's counters then. */
export type OpenWork = {
  kind: 'work';
  startMonoNs: bigint;
  cpu: number;
  eventCount: number;
  peekCount: number;
  execNs: number;
  runDelayNs: number;
  /** What the scheduler probes know of it; null when they did not see it begin. */
  seen: SeenTurn | null;
};

/** An account that is being built. */
export type SeenTurn = {
  /** As a finished one comes through the ring, but for its times, and for what goes on now. */
  stall: Uint8Array;
  now: 'running' | 'runnable' | 'blocked';
  /** In that state since, on CLOCK_MONOTONIC. */
  sinceMonoNs: bigint;
  owner: Ownership;
};

/** Who has the CPU that a runnable thread waits for. */
export type Ownership = {
  /** Its cgroup was out of quota, when that was last looked at. */
  isThrottled: boolean;
  /** Who has that CPU now, pid 0 when nobody has; null when that is not known. */
  holder: CpuOwner | null;
};

/** Woken from its wait, or its time is up, and it has no CPU yet. */
export type LateWake = {
  kind: 'wait';
  startMonoNs: bigint;
  /** As the wait asked; −1 for none, null when that is not known. */
  timeoutNs: number | null;
  cpu: number;
  owner: Ownership;
  /** The account so far, as the probes would send it: who had the CPU. */
  stall: Uint8Array;
};

export type OpenTurn = OpenWork | LateWake;

export type CpuOwner = { pid: number; comm: string; kernelThread: boolean };

/** Where a turn was at its last CPU sample. */
export type NewestSample = {
  atMonoNs: bigint;
  /** Number of the call it was in; CALL_NONE outside of calls. */
  call: number;
  /** Innermost first: of the kernel when it was in it. */
  kernelAddresses: bigint[];
  /** Of the program, without a copy of its stack. */
  userAddresses: bigint[];
  /** A record as the ring would bring it; null when none was copied. */
  stackRecord: Uint8Array | null;
};

/** Descriptors of the maps that the probes keep their state in. */
export type StateMaps = { states: number; userStacks: number; cpuMemories: number };

/** Where it is read from. */
export type StateSource = {
  state(): StateBytes | null;
  holderOf(cpu: number): CpuOwner | null;
};

export type StateBytes = { bytes: Uint8Array; view: DataView };

/** Null while it waits as it should (or late, with nobody who saw it wake), or was not yet seen to return from a wait. `epoch`: of the present arming, or 0. */
export function readOpenTurn(maps: StateMaps, slot: number, epoch: number): OpenTurn | null {
  const source = { state: () => readState(maps, slot), holderOf: (cpu: number) => holderOf(maps, cpu) };
  return openTurnFrom(source, epoch);
}

const READS = 4;

/**
 * The same from any source. Who has the CPU stands in another map than the state: where the thread was given the CPU
 * between the two, it would seem to be kept from it by itself. Then both are read again, and the holder is not known
 * when they never agree.
 */
export function openTurnFrom(source: StateSource, epoch: number): OpenTurn | null {
  for (let reads = 1; ; reads++) {
    const state = source.state();
    if (state === null) return null;
    const turn = turnOf(source, state, epoch);
    const owner = turn?.kind === 'work' ? turn.seen?.owner : turn?.owner;
    if (!owner?.holder || isOfOneMoment(state, source.state())) return turn;
    owner.holder = null;
    if (reads === READS) return turn;
  }
}

function isOfOneMoment({ view }: StateBytes, after: StateBytes | null): boolean {
  const { where, since_ns, charged_ns } = loop_state.at;
  return (
    after !== null &&
    after.view.getUint32(where, true) === view.getUint32(where, true) &&
    after.view.getBigUint64(since_ns, true) === view.getBigUint64(since_ns, true) &&
    after.view.getBigUint64(charged_ns, true) === view.getBigUint64(charged_ns, true)
  );
}

function turnOf(source: StateSource, { bytes, view }: StateBytes, epoch: number): OpenTurn | null {
  const at = loop_state.at;
  const isSeen = epoch !== 0 && view.getUint32(at.armed_at_start, true) === epoch;
  if (view.getUint32(at.in_wait, true) !== 0) {
    const isLate = view.getUint32(at.where, true) === WHERE_RUNNABLE;
    return isLate && isSeen ? lateWake(source, bytes, view) : null;
  }
  const startMonoNs = view.getBigUint64(at.segment_start_ns, true);
  if (startMonoNs === 0n) return null;
  const counter = (field: keyof typeof counters.at) =>
    Number(view.getBigUint64(at.at_start + counters.at[field], true));
  return {
    kind: 'work',
    startMonoNs,
    cpu: view.getUint32(at.start_cpu, true),
    eventCount: view.getUint32(at.cycle_events, true),
    peekCount: view.getUint32(at.cycle_peeks, true),
    execNs: counter('exec'),
    runDelayNs: counter('run_delay'),
    seen: isSeen ? seenTurn(source, bytes, view) : null,
  };
}

const WHERE = new Map([
  [WHERE_RUNNING, 'running'],
  [WHERE_RUNNABLE, 'runnable'],
  [WHERE_BLOCKED, 'blocked'],
] as const);

function seenTurn(source: StateSource, bytes: Uint8Array, view: DataView): SeenTurn | null {
  const at = loop_state.at;
  const now = WHERE.get(view.getUint32(at.where, true) as 1 | 2 | 3);
  if (now === undefined) return null;
  return {
    stall: stallOf(bytes),
    now,
    sinceMonoNs: view.getBigUint64(at.since_ns, true),
    owner: ownershipOf(source, view),
  };
}

function ownershipOf(source: StateSource, view: DataView): Ownership {
  const at = loop_state.at;
  return {
    isThrottled: view.getUint32(at.throttled, true) !== 0,
    holder: source.holderOf(view.getUint32(at.cpu, true)),
  };
}

function stallOf(state: Uint8Array): Uint8Array {
  const at = loop_state.at.stall;
  return state.slice(at, at + stall_event.byteLength);
}

function lateWake(source: StateSource, bytes: Uint8Array, view: DataView): LateWake | null {
  const at = loop_state.at;
  const startMonoNs = view.getBigUint64(at.wake_ns, true);
  if (startMonoNs === 0n) return null;
  return {
    kind: 'wait',
    startMonoNs,
    timeoutNs: Number(view.getBigInt64(at.timeout_ns, true)),
    cpu: view.getUint32(at.cpu, true),
    owner: ownershipOf(source, view),
    stall: stallOf(bytes),
  };
}

function holderOf(maps: StateMaps, cpu: number): CpuOwner | null {
  const memory = offHeap(cpu_memory.byteLength);
  if (!lookupElement(maps.cpuMemories, cpu, memory)) return null;
  const view = new DataView(memory.buffer);
  const at = cpu_memory.at;
  if (view.getBigUint64(at.since_ns, true) === 0n) return null;
  const comm = memory.subarray(at.comm, at.comm + COMM_BYTES);
  const end = comm.indexOf(0);
  return {
    pid: view.getUint32(at.pid, true),
    comm: Buffer.from(comm.subarray(0, end < 0 ? COMM_BYTES : end)).toString('utf8'),
    kernelThread: view.getUint32(at.kernel_thread, true) !== 0,
  };
}

/** Null when the present turn was not sampled: it is short, slept, or the probes are not armed. */
export function readNewestSample(maps: StateMaps, slot: number): NewestSample | null {
  const before = readState(maps, slot);
  if (before === null) return null;
  const { view } = before;
  const at = loop_state.at;
  const takenNs = view.getBigUint64(at.newest_ns, true);
  const startNs = view.getBigUint64(at.segment_start_ns, true);
  if (takenNs === 0n || startNs === 0n || takenNs < startNs) return null;
  const of = (field: keyof typeof sample.at) => at.newest + sample.at[field];
  const copied = view.getUint32(of('copied'), true) !== 0;
  const stackSlot = view.getUint32(at.stack_slot, true);
  const stackRecord = copied && stackSlot > 0 ? readStack(maps, stackSlot) : null;
  // The next sample may have come meanwhile: then the two do not belong together.
  if (readState(maps, slot)?.view.getBigUint64(at.newest_ns, true) !== takenNs) return null;
  const depth = Math.min(view.getUint32(of('depth'), true), SAMPLE_DEPTH);
  const addresses = Array.from({ length: depth }, (_, i) => view.getBigUint64(of('ip') + i * 8, true));
  const inKernel = view.getUint32(of('in_kernel'), true) !== 0;
  return {
    atMonoNs: takenNs,
    call: view.getInt32(of('call'), true),
    kernelAddresses: inKernel ? addresses : [],
    userAddresses: inKernel ? [] : addresses,
    stackRecord,
  };
}

function readStack(maps: StateMaps, stackSlot: number): Uint8Array | null {
  const record = offHeap(user_stack.byteLength);
  if (!lookupElement(maps.userStacks, (stackSlot - 1) * STACKS_PER_LOOP + NEWEST_STACK, record)) return null;
  const at = user_stack.at;
  const byteCount = new DataView(record.buffer).getUint32(at.byte_count, true);
  return record.slice(0, Math.min(at.bytes + byteCount, user_stack.byteLength));
}

function readState(maps: StateMaps, slot: number): StateBytes | null {
  const bytes = offHeap(loop_state.byteLength);
  return lookupElement(maps.states, slot, bytes) ? { bytes, view: new DataView(bytes.buffer) } : null;
}
