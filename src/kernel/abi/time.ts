/** include/uapi/linux/time_types.h, include/uapi/linux/resource.h. clock_gettime(2), getrusage(2). */
import { layout, u64 } from './layout.ts';

/** struct __kernel_timespec — 16 bytes, 64-bit seconds everywhere. */
export const __kernel_timespec = layout('__kernel_timespec', 16, { tv_sec: u64(0), tv_nsec: u64(8) });

export const RUSAGE_SELF = 0;
/** Linux only, since 2.6.26. */
export const RUSAGE_THREAD = 1;

/** struct rusage — getrusage(2). 144 bytes; the fields the kernel fills. */
export const rusage = layout('rusage', 144, {
  'ru_utime.tv_sec': u64(0),
  'ru_utime.tv_usec': u64(8),
  'ru_stime.tv_sec': u64(16),
  'ru_stime.tv_usec': u64(24),
  ru_maxrss: u64(32),
  ru_minflt: u64(64),
  ru_majflt: u64(72),
  ru_nvcsw: u64(128),
  ru_nivcsw: u64(136),
});
