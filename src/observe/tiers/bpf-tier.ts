/**
 * The tier that sees every cycle. Two probes a cycle always; the scheduler probes, interrupts and CPU samples only while
 * armed (arming.ts).
 */
import { attachTracepoint, attachTracing } from '../../kernel/bpf/attach.ts';
import { type LoadedObject, loadSkeleton } from '../../kernel/bpf/light-skeleton.ts';
import { deleteElement, mapArray, updateElement } from '../../kernel/bpf/map.ts';
import { openRingBuffer } from '../../kernel/bpf/ring-buffer.ts';
import { openTracefs, type Tracefs } from '../../kernel/bpf/tracefs.ts';
import { offHeap } from '../../kernel/libc.ts';
import { closeFd } from '../../kernel/sockets.ts';
import type { ArmingLimit } from '../cost/cpu-holder.ts';
import { stealDistance } from '../host/steal-clock.ts';
import { createSeats } from '../loops/seats.ts';
import { WAIT_CALLS } from '../loops/wait-calls.ts';
import {
  BLOCK_LIMIT,
  control,
  LOOP_LIMIT,
  loop_state,
  STACK_LOOP_LIMIT,
  STACKS_PER_LOOP,
  totals,
} from '../probes/layouts.ts';
import { type NewestSample, type OpenTurn, readNewestSample, readOpenTurn } from '../stalls/open-turn.ts';
import { createMemoryProbes, createStackCredit, createStackSlots } from '../stalls/stack-supply.ts';
import { isStackRecord } from '../stalls/stack-unwinder.ts';
import { type Arming, createArming } from './arming.ts';

export type BpfTierOptions = {
  armed: Arming;
  nowNs: () => number;
  onStallRecord: (bytes: Uint8Array) => void;
  /** A user stack, ahead of the stall it belongs to. */
  onStackRecord?: (bytes: Uint8Array) => void;
  /** Of the ring of stalls; small in tests of losses. */
  ringBytes?: number;
  onTierChange: (tier: string, why: string) => void;
};

export type BpfTier = {
  /** Begins to watch a thread under an index below LOOP_LIMIT; `waitKinds` is a mask of WAIT_KIND bits. */
  addLoop(loopIndex: number, tid: number, waitCallNames: string[]): void;
  removeLoop(loopIndex: number, tid: number): void;
  setBudgetNs(budgetNs: number): void;
  /** Takes what the ring has, and arms or disarms. */
  poll(): void;
  /** The kernel's own totals of a loop, live. Fields by probes/layouts.ts. */
  totalsOf(loopIndex: number): DataView;
  /** What a loop is in the middle of, or null while it waits (or was not yet seen to return from a wait). */
  openTurn(loopIndex: number): OpenTurn | null;
  /** Where the present turn of a loop was at its last CPU sample, or null without one. */
  newestSample(loopIndex: number): NewestSample | null;
  /** Watched threads that ended so far, or whose program did: time to look who is there. */
  endings(): number;
  /** Threads, processes and programs that began so far among the members. */
  beginnings(): number;
  /** Whose beginnings are counted: each process that is watched or may come to be. */
  setMember(pid: number, isMember: boolean): void;
  ringDrops(): number;
  /** User stacks that were not sent: over what unwinding may cost, or for want of room in the ring. */
  stackDrops(): number;
  armedNs(): number;
  /** A stall is under way: arms as one that ended does. */
  suspect(): void;
  /** What may be armed at most; the name of what is armed now. */
  limitArming(limit: ArmingLimit, why: string): string;
  /** Unties the probes that see each cycle, or ties them again: then each loop is to be added anew. */
  seeCycles(on: boolean): void;
  readonly programs: ReadonlyMap<string, number>;
  [Symbol.dispose](): void;
};

const DEFAULT_RING_BYTES = 1 << 20;
const ACCEPT_CALLS = ['accept', 'accept4'];
const LIFE_PROGRAMS = ['on_thread_end', 'on_exec', 'on_fork'];

/** Loads and attaches. Throws PERMISSION or BPF_LOAD; whatever was opened until then is closed again. */
export function startBpfTier(options: BpfTierOptions): BpfTier {
  using stack = new DisposableStack();
  const ringBytes = options.ringBytes ?? DEFAULT_RING_BYTES;
  // 7 MB for all loops; a tier that is never armed never copies.
  const stackCount = options.armed === 'never' ? 1 : STACK_LOOP_LIMIT * STACKS_PER_LOOP;
  const object = stack.use(
    loadSkeleton(new URL('../probes/observer.skel.bin', import.meta.url), {
      stalls: ringBytes,
      user_stacks: stackCount,
    }),
  );
  const tracefs = stack.use(openTracefs());
  const ring = stack.use(openRingBuffer(object.maps.get('stalls')!, ringBytes));
  const totalsMapping = stack.use(mapArray(object.maps.get('totals')!, LOOP_LIMIT * totals.byteLength));
  const controlMapping = stack.use(mapArray(object.maps.get('control')!, control.byteLength));
  const controlView = new DataView(controlMapping.buffer);
  const stateMaps = {
    states: object.maps.get('states')!,
    userStacks: object.maps.get('user_stacks')!,
    cpuMemories: object.maps.get('cpu_memories')!,
  };
  const attached = new Set<string>();
  const fds: number[] = [];
  /** Sees loops go to sleep; while the scheduler probes are armed theirs does. */
  let sleepFd = -1;
  const seeSleeps = (on: boolean) => {
    if (on && sleepFd < 0) sleepFd = attachTracing(object.programs.get('on_sleep')!);
    if (!on && sleepFd >= 0) {
      closeFd(sleepFd);
      sleepFd = -1;
    }
  };
  const closeFds = () => {
    for (const fd of fds.splice(0)) closeFd(fd);
    seeSleeps(false);
    attached.clear();
  };
  stack.defer(closeFds);
  const clocks = new Map<number, number>();
  stack.defer(() => {
    for (const fd of clocks.values()) closeFd(fd);
  });

  declareWaitCalls(object);
  let seesCycles = true;
  const attachAlways = () => {
    for (const call of ACCEPT_CALLS) attachExit(object, tracefs, call, 'on_accept_exit', fds);
    for (const name of LIFE_PROGRAMS) fds.push(attachTracing(object.programs.get(name)!));
    seeSleeps(controlView.getUint32(control.at.armed, true) === 0);
  };
  attachAlways();

  // Read now: once it is needed, a stall is under way.
  if (options.armed !== 'never')
    controlView.setBigInt64(control.at.steal_distance, BigInt(stealDistance()), true);
  const memoryProbes = stack.use(createMemoryProbes(object, tracefs));
  const credit = createStackCredit(controlView, options.nowNs);
  const seats = createSeats(object.maps.get('seats')!, object.maps.get('loop_of_tid')!);
  const stackSlots = createStackSlots(options.armed === 'never' ? 0 : STACK_LOOP_LIMIT);

  const arming = stack.use(
    createArming({
      programs: object.programs,
      cpuMemories: object.maps.get('cpu_memories')!,
      mode: options.armed,
      nowNs: options.nowNs,
      setEpoch(epoch) {
        memoryProbes.attach(epoch > 0);
        controlView.setUint32(control.at.armed, epoch, true);
        seeSleeps(seesCycles && epoch === 0);
      },
      onChange: options.onTierChange,
    }),
  );
  if (options.armed === 'always') arming.arm('asked to');
  const owned = stack.move();

  return {
    programs: object.programs,
    addLoop(loopIndex, tid, waitCallNames) {
      let kinds = 0;
      for (const call of WAIT_CALLS) {
        if (!waitCallNames.includes(call.name)) continue;
        kinds |= 1 << call.kind;
        if (attached.has(call.name)) continue;
        attached.add(call.name);
        attachExit(object, tracefs, call.name, 'on_wait_exit', fds);
      }
      const state = offHeap(loop_state.byteLength);
      const stateView = new DataView(state.buffer);
      stateView.setUint32(loop_state.at.kinds, kinds, true);
      stateView.setUint32(loop_state.at.stack_slot, stackSlots.take(loopIndex), true);
      for (let i = 0; i <= BLOCK_LIMIT; i++) stateView.setUint8(loop_state.at.block_stacks + i, i);
      updateElement(object.maps.get('states')!, loopIndex, state);
      seats.take(tid, loopIndex);
      arming.addThread(tid);
    },
    removeLoop(loopIndex, tid) {
      seats.leave(tid);
      stackSlots.release(loopIndex);
      arming.removeThread(tid);
    },
    setBudgetNs: (budgetNs) =>
      controlView.setBigUint64(control.at.budget_ns, BigInt(Math.round(budgetNs)), true),
    poll() {
      const count = ring.read((bytes) => {
        if (isStackRecord(bytes)) options.onStackRecord?.(bytes);
        else options.onStallRecord(bytes);
      });
      credit.step();
      arming.step(count > 0);
    },
    totalsOf: (loopIndex) =>
      new DataView(totalsMapping.buffer, loopIndex * totals.byteLength, totals.byteLength),
    openTurn: (loopIndex) =>
      readOpenTurn(stateMaps, loopIndex, controlView.getUint32(control.at.armed, true)),
    newestSample: (loopIndex) => readNewestSample(stateMaps, loopIndex),
    stackDrops: () => Number(controlView.getBigUint64(control.at.stack_drops, true)),
    endings: () => Number(controlView.getBigUint64(control.at.endings, true)),
    beginnings: () => Number(controlView.getBigUint64(control.at.beginnings, true)),
    setMember(pid, isMember) {
      const members = object.maps.get('members')!;
      if (isMember) updateElement(members, pid, offHeap(4));
      else deleteElement(members, pid);
    },
    ringDrops: () => Number(controlView.getBigUint64(control.at.ring_drops, true)),
    armedNs: () => arming.armedNs(),
    suspect: () => arming.step(true),
    limitArming: (limit, why) => arming.limitTo(limit, why),
    seeCycles(on) {
      seesCycles = on;
      closeFds();
      if (on) attachAlways();
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}

function declareWaitCalls(object: LoadedObject): void {
  const value = offHeap(4);
  for (const call of WAIT_CALLS) {
    new DataView(value.buffer).setUint32(0, call.kind, true);
    updateElement(object.maps.get('wait_kinds')!, call.number, value);
  }
}

function attachExit(
  object: LoadedObject,
  tracefs: Tracefs,
  call: string,
  program: string,
  fds: number[],
): void {
  const id = tracefs.tracepointId(`syscalls/sys_exit_${call}`);
  if (id !== null) fds.push(attachTracepoint(object.programs.get(program)!, id));
}
