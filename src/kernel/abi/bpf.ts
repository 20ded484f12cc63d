/** bpf(2): include/uapi/linux/bpf.h. Each command reads its own part of union bpf_attr. */
import { bytes, layout, u32, u64 } from './layout.ts';

export const BPF_MAP_CREATE = 0;
export const BPF_MAP_LOOKUP_ELEM = 1;
export const BPF_MAP_UPDATE_ELEM = 2;
export const BPF_MAP_DELETE_ELEM = 3;
export const BPF_MAP_GET_NEXT_KEY = 4;
export const BPF_PROG_LOAD = 5;
export const BPF_PROG_TEST_RUN = 10;
export const BPF_OBJ_GET_INFO_BY_FD = 15;
export const BPF_RAW_TRACEPOINT_OPEN = 17;
/** Since 5.7; of perf events with a cookie since 5.15. */
export const BPF_LINK_CREATE = 28;
export const BPF_PERF_EVENT = 41;
export const BPF_TRACE_UPROBE_MULTI = 48;
export const BPF_F_UPROBE_MULTI_RETURN = 1;
/** Since 5.8. */
export const BPF_ENABLE_STATS = 32;

export const BPF_MAP_TYPE_ARRAY = 2;
export const BPF_PROG_TYPE_KPROBE = 2;
/** Since 5.14. */
export const BPF_PROG_TYPE_SYSCALL = 31;
export const BPF_F_SLEEPABLE = 1 << 4;
export const BPF_STATS_RUN_TIME = 0;

/** Our view of union bpf_attr: the first 128 bytes, enough for every command used. The kernel's own is longer. */
export const BPF_ATTR_BYTES = 128;

export const bpf_attr_map_create = layout(
  'bpf_attr',
  BPF_ATTR_BYTES,
  {
    map_type: u32(0),
    key_size: u32(4),
    value_size: u32(8),
    max_entries: u32(12),
    map_flags: u32(16),
  },
  { growing: true },
);

export const bpf_attr_elem = layout(
  'bpf_attr',
  BPF_ATTR_BYTES,
  {
    map_fd: u32(0),
    key: u64(8),
    value: u64(16),
    flags: u64(24),
  },
  { growing: true },
);

export const bpf_attr_prog_load = layout(
  'bpf_attr',
  BPF_ATTR_BYTES,
  {
    prog_type: u32(0),
    insn_cnt: u32(4),
    insns: u64(8),
    license: u64(16),
    log_level: u32(24),
    log_size: u32(28),
    log_buf: u64(32),
    kern_version: u32(40),
    prog_flags: u32(44),
    prog_name: bytes(48, 16),
    expected_attach_type: u32(68),
    /** Since 5.14. */
    fd_array: u64(120),
  },
  { growing: true },
);

export const bpf_attr_test = layout(
  'bpf_attr',
  BPF_ATTR_BYTES,
  {
    prog_fd: u32(0),
    retval: u32(4),
    ctx_size_in: u32(40),
    ctx_in: u64(48),
  },
  { growing: true, within: 'test' },
);

export const bpf_attr_info = layout(
  'bpf_attr',
  BPF_ATTR_BYTES,
  {
    bpf_fd: u32(0),
    info_len: u32(4),
    info: u64(8),
  },
  { growing: true, within: 'info' },
);
export const bpf_attr_raw_tracepoint = layout(
  'bpf_attr',
  BPF_ATTR_BYTES,
  { name: u64(0), prog_fd: u32(8) },
  { growing: true, within: 'raw_tracepoint' },
);
export const bpf_attr_enable_stats = layout(
  'bpf_attr',
  BPF_ATTR_BYTES,
  { type: u32(0) },
  { growing: true, within: 'enable_stats' },
);

/**
 * `target_fd` is a perf event; the cookie is what bpf_get_attach_cookie() gives the program. uprobe_multi (since 6.6) is
 * many places of one file at once, `cnt` offsets and cookies.
 */
export const bpf_attr_link_create = layout(
  'bpf_attr',
  BPF_ATTR_BYTES,
  {
    prog_fd: u32(0),
    target_fd: u32(4),
    attach_type: u32(8),
    flags: u32(12),
    'perf_event.bpf_cookie': u64(16),
    'uprobe_multi.path': u64(16),
    'uprobe_multi.offsets': u64(24),
    'uprobe_multi.cookies': u64(40),
    'uprobe_multi.cnt': u32(48),
    'uprobe_multi.flags': u32(52),
    'uprobe_multi.pid': u32(56),
  },
  { growing: true, within: 'link_create' },
);

/** struct bpf_prog_info, as far as we read it; the kernel fills what the caller's length covers. */
export const bpf_prog_info = layout(
  'bpf_prog_info',
  232,
  { run_time_ns: u64(192), run_cnt: u64(200), recursion_misses: u64(208) },
  { growing: true },
);

/** struct bpf_map_desc, struct bpf_loader_ctx: what a light skeleton's loader program reads (libbpf's skel_internal.h). */
export const BPF_LOADER_CTX_BYTES = 24;
export const BPF_MAP_DESC_BYTES = 16;
export const BPF_PROG_DESC_BYTES = 4;

/** include/uapi/linux/bpf.h: the high bits of a ring buffer record's length. */
export const BPF_RINGBUF_BUSY_BIT = 0x8000_0000;
export const BPF_RINGBUF_DISCARD_BIT = 0x4000_0000;
export const BPF_RINGBUF_HDR_SZ = 8;
