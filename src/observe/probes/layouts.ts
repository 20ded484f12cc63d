/**
 * The structures of state.bpf.h, as bytes: byte offsets into what the kernel side writes. layouts.ktest.ts compares
 * every one of them with the BTF of the compiled object.
 */
import { bytes, i32, layout, u32, u64 } from '../../kernel/abi/layout.ts';

export const LOOP_LIMIT = 256;
export const CPU_LIMIT = 1024;
export const CONTENDER_LIMIT = 16;
export const BLOCK_LIMIT = 4;
export const SAMPLE_LIMIT = 8;
export const SAMPLE_DEPTH = 32;
export const STACK_DEPTH = 24;
export const NAME_BYTES = 32;
export const COMM_BYTES = 16;
/** `call` of a block or sample outside any system call; of a block that a signal, a tracer or the freezer began. */
export const CALL_NONE = -1;
export const CALL_STOPPED = -2;
export const CALL_TRACED = -3;
export const CALL_FROZEN = -4;

/** enum where: the state of a watched thread, kept while the scheduler probes are armed. */
export const WHERE_RUNNING = 1;
export const WHERE_RUNNABLE = 2;
export const WHERE_BLOCKED = 3;

export const STALL_WORK = 1;
export const STALL_WAIT = 2;
/** A user stack, ahead of the stall it belongs to. */
export const STALL_STACK = 3;

export const STACK_BYTES = 16_384;
export const REGISTER_BYTES = 272;
/**
 * Loops that may have user stacks; each has one for every block, one for a block under way, one for every sample, and
 * one for the newest sample of all.
 */
export const STACK_LOOP_LIMIT = 32;
export const NEWEST_STACK = BLOCK_LIMIT + 1 + SAMPLE_LIMIT;
export const STACKS_PER_LOOP = NEWEST_STACK + 1;

export const contender = layout('contender', 32, {
  pid: u32(0),
  kernel_thread: u32(4),
  ns: u64(8),
  comm: bytes(16, COMM_BYTES),
});

export const block = layout('block', 376, {
  call: i32(0),
  fd: i32(4),
  count: u32(8),
  waker_pid: u32(12),
  ns: u64(16),
  longest_ns: u64(24),
  waker_comm: bytes(32, COMM_BYTES),
  names: bytes(48, 3 * NAME_BYTES),
  family: u32(144),
  port_be: u32(148),
  address: bytes(152, 16),
  uninterruptible: u32(168),
  depth: u32(172),
  copied: u32(176),
  stack: bytes(184, STACK_DEPTH * 8),
});

export const sample = layout('sample', 272, {
  call: i32(0),
  in_kernel: u32(4),
  depth: u32(8),
  copied: u32(12),
  ip: bytes(16, SAMPLE_DEPTH * 8),
});

export const counters = layout('counters', 72, {
  run_delay: u64(0),
  exec: u64(8),
  nvcsw: u64(16),
  nivcsw: u64(24),
  min_flt: u64(32),
  maj_flt: u64(40),
  utime: u64(48),
  stime: u64(56),
  steal: u64(64),
});

export const stall_event = layout('stall_event', 4408, {
  kind: u32(0),
  loop_index: u32(4),
  cpu: u32(8),
  sched_seen: u32(12),
  start_ns: u64(16),
  end_ns: u64(24),
  timeout_ns: u64(32),
  slack_ns: u64(40),
  events: u32(48),
  peeks: u32(52),
  delta: bytes(56, counters.byteLength),
  on_cpu_ns: u64(128),
  irq_ns: u64(136),
  steal_ns: u64(144),
  runq_ns: u64(152),
  throttled_ns: u64(160),
  blocked_other_ns: u64(168),
  user_samples: u32(176),
  system_samples: u32(180),
  contender_count: u32(184),
  block_count: u32(188),
  sample_count: u32(192),
  contenders: bytes(200, CONTENDER_LIMIT * contender.byteLength),
  blocks: bytes(712, BLOCK_LIMIT * block.byteLength),
  samples: bytes(2216, SAMPLE_LIMIT * sample.byteLength),
  reclaim_ns: u64(4392),
  dirty_ns: u64(4400),
});

/** Only the first `byte_count` of `bytes` are sent. */
export const user_stack = layout('user_stack', 288 + STACK_BYTES, {
  kind: u32(0),
  loop_index: u32(4),
  place: u32(8),
  byte_count: u32(12),
  registers: bytes(16, REGISTER_BYTES),
  bytes: bytes(288, STACK_BYTES),
});

/** A seat that several watched threads would share. */
export const SEAT_LIMIT = 4096;
export const SEAT_SHARED = 0xffffffff;

export const seat = layout('seat', 8, { tid: u32(0), loop_index: u32(4) });

const HISTOGRAM_BYTES = 168 * 4;

export const totals = layout('totals', 2768, {
  cycles: u64(0),
  peeks: u64(8),
  events: u64(16),
  timeouts: u64(24),
  work_ns: u64(32),
  wait_ns: u64(40),
  accepts: u64(48),
  accept_first_eagain: u64(56),
  accept_tail_eagain: u64(64),
  stalls: u64(72),
  work_hist: bytes(80, HISTOGRAM_BYTES),
  event_hist: bytes(80 + HISTOGRAM_BYTES, HISTOGRAM_BYTES),
  overshoot_hist: bytes(80 + 2 * HISTOGRAM_BYTES, HISTOGRAM_BYTES),
  wake_hist: bytes(80 + 3 * HISTOGRAM_BYTES, HISTOGRAM_BYTES),
});

export const control = layout('control', 56, {
  budget_ns: u64(0),
  armed: u32(8),
  stack_credit: u32(12),
  ring_drops: u64(16),
  stack_drops: u64(24),
  endings: u64(32),
  beginnings: u64(40),
  steal_distance: u64(48),
});

/** The part of loop_state that user space writes and reads, and its whole size. */
export const loop_state = layout('loop_state', 5064, {
  kinds: u32(0),
  in_wait: u32(8),
  timeout_ns: u64(24),
  segment_start_ns: u64(40),
  cycle_events: u32(48),
  cycle_peeks: u32(52),
  where: u32(72),
  cpu: u32(76),
  start_cpu: u32(80),
  since_ns: u64(88),
  throttled: u32(104),
  charged_ns: u64(112),
  wake_ns: u64(136),
  armed_at_start: u32(152),
  at_start: bytes(168, counters.byteLength),
  stall: bytes(312, stall_event.byteLength),
  stack_slot: u32(4744),
  block_stacks: bytes(4756, 8),
  newest_ns: u64(4768),
  newest: bytes(4776, sample.byteLength),
});

/** What user space reads and resets of a CPU's memory. */
export const cpu_memory = layout('cpu_memory', 88, {
  since_ns: u64(0),
  pid: u32(8),
  kernel_thread: u32(12),
  comm: bytes(16, COMM_BYTES),
  in_irq: u32(48),
  soft_irqs: u32(52),
  soft_ns: u64(64),
});
