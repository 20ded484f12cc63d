/** perf_event_open(2): include/uapi/linux/perf_event.h. */
import { layout, u32, u64 } from './layout.ts';

export const PERF_TYPE_SOFTWARE = 1;
export const PERF_TYPE_TRACEPOINT = 2;
export const PERF_COUNT_SW_CPU_CLOCK = 0;
export const PERF_FLAG_FD_CLOEXEC = 8;

/** Bits of the flag word at offset 40. */
export const PERF_ATTR_DISABLED = 1n << 0n;
export const PERF_ATTR_EXCLUDE_KERNEL = 1n << 5n;
export const PERF_ATTR_EXCLUDE_HV = 1n << 6n;
export const PERF_ATTR_FREQ = 1n << 10n;

/** What a sample holds: with this alone a u64 count and as many addresses, innermost first. */
export const PERF_SAMPLE_CALLCHAIN = 1n << 5n;
/** Addresses from here on are no addresses: they say whose the following ones are. PERF_CONTEXT_* */
export const PERF_CONTEXT_MAX = 0xffff_ffff_ffff_f001n;
export const PERF_CONTEXT_KERNEL = 0xffff_ffff_ffff_ff80n;

export const PERF_RECORD_LOST = 2;
export const PERF_RECORD_SAMPLE = 9;
/** Offsets in the first page of the mapping: struct perf_event_mmap_page. */
export const PERF_MMAP_DATA_HEAD = 1024;

export const PERF_EVENT_IOC_ENABLE = 0x2400;
export const PERF_EVENT_IOC_DISABLE = 0x2401;
export const PERF_EVENT_IOC_SET_BPF = 0x4004_2408;

export const perf_event_attr = layout(
  'perf_event_attr',
  112,
  {
    type: u32(0),
    size: u32(4),
    config: u64(8),
    sample_freq: u64(16),
    sample_type: u64(24),
    flags: u64(40),
    /** Address of a path, of the uprobe kind. */
    uprobe_path: u64(56),
    probe_offset: u64(64),
  },
  { growing: true, bitWords: { flags: 'disabled' } },
);
