/** The structures of the tracing programs, as bytes. layouts.test.ts compares each with the BTF of its object. */
import { bytes, i32, layout, u32, u64 } from '../../kernel/abi/layout.ts';
import { CYCLE_BUCKET_COUNT } from '../../record/cycle-buckets.ts';

export const THREAD_LIMIT = 8192;
export const CALL_LIMIT = 512;
export const FUNCTION_LIMIT = 128;
export const FRAME_LIMIT = 64;
export const NO_CALLER = 0xffff;
export const ERRNO_ROW_LIMIT = 4096;
export const EDGE_LIMIT = 4096;
export const RIVAL_LIMIT = 16384;
export const COMM_BYTES = 16;

/** enum where of sched.bpf.c. */
export const WHERE = { unknown: 0, running: 1, runnable: 2, blocked: 3 } as const;

const HISTOGRAM_BYTES = CYCLE_BUCKET_COUNT * 4;

export const control = layout('control', 56, {
  on: u32(0),
  follow: u32(4),
  any: u32(8),
  births: u32(12),
  start_ns: u64(16),
  threads_lost: u64(24),
  rows_lost: u64(32),
  lost_ns: u64(40),
  unseen: u64(48),
});

/** What every thread's row begins with. */
export const task_part = layout('task_part', 48, {
  tgid: u32(0),
  ended: u32(4),
  fresh: u32(8),
  off_ns: u64(16),
  off_since_ns: u64(24),
  comm: bytes(32, COMM_BYTES),
});

export const syscallThread = layout('thread', 104, {
  call: u32(48),
  enter_ns: u64(56),
  calls: u64(72),
  errors: u64(80),
  ns: u64(88),
  off_ns: u64(96),
});

export const call_stats = layout('call_stats', 48 + HISTOGRAM_BYTES, {
  calls: u64(0),
  errors: u64(8),
  ns: u64(16),
  off_ns: u64(24),
  max_ns: u64(32),
  began_before: u64(40),
  hist: bytes(48, HISTOGRAM_BYTES),
});

export const schedThread = layout('thread', 160 + 2 * HISTOGRAM_BYTES, {
  where: u32(48),
  cpu: u32(52),
  since_ns: u64(56),
  run_ns: u64(80),
  wait_ns: u64(88),
  blocked_ns: u64(96),
  voluntary: u64(104),
  involuntary: u64(112),
  migrations: u64(120),
  wakeups: u64(128),
  waits: u64(136),
  wait_max_ns: u64(144),
  wake_max_ns: u64(152),
  wait_hist: bytes(160, HISTOGRAM_BYTES),
  wake_hist: bytes(160 + HISTOGRAM_BYTES, HISTOGRAM_BYTES),
});

export const rival_key = layout('rival_key', 16, { tid: u32(0), pid: u32(4), tgid: u32(8), cpu: u32(12) });

export const rival = layout('rival', 40, {
  ns: u64(0),
  count: u64(8),
  kernel_thread: u32(16),
  comm: bytes(24, COMM_BYTES),
});

export const frame = layout('frame', 48, {
  start_ns: u64(8),
  function: u32(40),
  recursive: i32(44),
});

export const functionThread = layout('thread', 64 + FRAME_LIMIT * frame.byteLength, {
  depth: u32(48),
  calls: u64(56),
  frames: bytes(64, FRAME_LIMIT * frame.byteLength),
});

export const function_stats = layout('function_stats', 104 + 2 * HISTOGRAM_BYTES, {
  calls: u64(0),
  returns: u64(8),
  ns: u64(16),
  off_ns: u64(24),
  inclusive_ns: u64(32),
  inclusive_off_ns: u64(40),
  exclusive_ns: u64(48),
  exclusive_off_ns: u64(56),
  max_ns: u64(64),
  recursive: u64(72),
  too_deep: u64(80),
  abandoned: u64(88),
  unmatched: u64(96),
  hist: bytes(104, HISTOGRAM_BYTES),
  exclusive_hist: bytes(104 + HISTOGRAM_BYTES, HISTOGRAM_BYTES),
});

export const edge = layout('edge', 16, { calls: u64(0), ns: u64(8) });
