/**
 * The tier that sees every cycle. Two probes a cycle always; the scheduler probes, interrupts and CPU samples only while
 * armed (arming.ts).
 */
import { attachTracepoint } from '../kernel/bpf/attach.ts';
import { type LoadedObject, loadSkeleton } from '../kernel/bpf/light-skeleton.ts';
import { deleteElement, lookupElement, mapArray, updateElement } from '../kernel/bpf/map.ts';
import { openRingBuffer } from '../kernel/bpf/ring-buffer.ts';
import { openTracefs, type Tracefs } from '../kernel/bpf/tracefs.ts';
import { offHeap } from '../kernel/libc.ts';
import { closeFd } from '../kernel/sockets.ts';
import { type Arming, type ArmingLimit, createArming } from './arming.ts';
import {
  BLOCK_LIMIT,
  control,
  counters,
  LOOP_LIMIT,
  loop_state,
  STACK_LOOP_LIMIT,
  STACKS_PER_LOOP,
  totals,
} from './probes/layouts.ts';
import { createMemoryProbes, createStackCredit, createStackSlots } from './stack-supply.ts';
import { isStackRecord } from './stack-unwinder.ts';
import { WAIT_CALLS } from './wait-calls.ts';

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
  /** The work a loop is in the middle of, or null while it waits (or was not yet seen to return from a wait). */
  openWork(loopIndex: number): OpenWork | null;
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

/** Since when, on CLOCK_MONOTONIC, and the task's counters then. */
export type OpenWork = {
  startMonoNs: bigint;
  cpu: number;
  eventCount: number;
  peekCount: number;
  execNs: number;
  runDelayNs: number;
};

const DEFAULT_RING_BYTES = 1 << 20;
const ACCEPT_CALLS = ['accept', 'accept4'];
/** Loads and attaches. Throws PERMISSION or BPF_LOAD; whatever was opened until then is closed again. */
export function startBpfTier(options: BpfTierOptions): BpfTier {
  using stack = new DisposableStack();
  const ringBytes = options.ringBytes ?? DEFAULT_RING_BYTES;
  // 7 MB for all loops; a tier that is never armed never copies.
  const stackCount = options.armed === 'never' ? 1 : STACK_LOOP_LIMIT * STACKS_PER_LOOP;
  const object = stack.use(
    loadSkeleton(new URL('./probes/observer.skel.bin', import.meta.url), {
      stalls: ringBytes,
      user_stacks: stackCount,
    }),
  );
  const tracefs = stack.use(openTracefs());
  const ring = stack.use(openRingBuffer(object.maps.get('stalls')!, ringBytes));
  const totalsMapping = stack.use(mapArray(object.maps.get('totals')!, LOOP_LIMIT * totals.byteLength));
  const controlMapping = stack.use(mapArray(object.maps.get('control')!, control.byteLength));
  const controlView = new DataView(controlMapping.buffer);
  const attached = new Set<string>();
  const fds: number[] = [];
  const closeFds = () => {
    for (const fd of fds.splice(0)) closeFd(fd);
    attached.clear();
  };
  stack.defer(closeFds);
  const clocks = new Map<number, number>();
  stack.defer(() => {
    for (const fd of clocks.values()) closeFd(fd);
  });

  declareWaitCalls(object);
  for (const call of ACCEPT_CALLS) attachExit(object, tracefs, call, 'on_accept_exit', fds);

  const memoryProbes = stack.use(createMemoryProbes(object, tracefs));
  const credit = createStackCredit(controlView, options.nowNs);
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
        const id = tracefs.tracepointId(`syscalls/sys_enter_${call.name}`);
        if (id === null) continue;
        fds.push(attachTracepoint(object.programs.get('on_wait_enter')!, id));
        attachExit(object, tracefs, call.name, 'on_wait_exit', fds);
      }
      const state = offHeap(loop_state.byteLength);
      const stateView = new DataView(state.buffer);
      stateView.setUint32(loop_state.at.kinds, kinds, true);
      stateView.setUint32(loop_state.at.stack_slot, stackSlots.take(loopIndex), true);
      for (let i = 0; i <= BLOCK_LIMIT; i++) stateView.setUint8(loop_state.at.block_stacks + i, i);
      updateElement(object.maps.get('states')!, loopIndex, state);
      const index = offHeap(4);
      new DataView(index.buffer).setUint32(0, loopIndex, true);
      updateElement(object.maps.get('loop_of_tid')!, tid, index);
      arming.addThread(tid);
    },
    removeLoop(loopIndex, tid) {
      deleteElement(object.maps.get('loop_of_tid')!, tid);
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
    openWork: (loopIndex) => readOpenWork(object.maps.get('states')!, loopIndex),
    stackDrops: () => Number(controlView.getBigUint64(control.at.stack_drops, true)),
    ringDrops: () => Number(controlView.getBigUint64(control.at.ring_drops, true)),
    armedNs: () => arming.armedNs(),
    suspect: () => arming.step(true),
    limitArming: (limit, why) => arming.limitTo(limit, why),
    seeCycles(on) {
      closeFds();
      if (on) for (const call of ACCEPT_CALLS) attachExit(object, tracefs, call, 'on_accept_exit', fds);
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

function readOpenWork(statesMap: number, loopIndex: number): OpenWork | null {
  const state = offHeap(loop_state.byteLength);
  if (!lookupElement(statesMap, loopIndex, state)) return null;
  const view = new DataView(state.buffer);
  const at = loop_state.at;
  const startMonoNs = view.getBigUint64(at.segment_start_ns, true);
  if (startMonoNs === 0n || view.getUint32(at.in_wait, true) !== 0) return null;
  const counter = (field: keyof typeof counters.at) =>
    Number(view.getBigUint64(at.at_start + counters.at[field], true));
  return {
    startMonoNs,
    cpu: view.getUint32(at.start_cpu, true),
    eventCount: view.getUint32(at.cycle_events, true),
    peekCount: view.getUint32(at.cycle_peeks, true),
    execNs: counter('exec'),
    runDelayNs: counter('run_delay'),
  };
}
