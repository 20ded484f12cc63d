/**
 * System call numbers. x86-64: arch/x86/entry/syscalls/syscall_64.tbl; arm64: include/uapi/asm-generic/unistd.h.
 * From 424 upwards both tables agree.
 */
import { perArch } from './layout.ts';

export const __NR_read = perArch({ x64: 0, arm64: 63 });
export const __NR_write = perArch({ x64: 1, arm64: 64 });
export const __NR_close = perArch({ x64: 3, arm64: 57 });
export const __NR_mmap = perArch({ x64: 9, arm64: 222 });
export const __NR_munmap = perArch({ x64: 11, arm64: 215 });
export const __NR_ioctl = perArch({ x64: 16, arm64: 29 });
export const __NR_socket = perArch({ x64: 41, arm64: 198 });
export const __NR_connect = perArch({ x64: 42, arm64: 203 });
export const __NR_sendto = perArch({ x64: 44, arm64: 206 });
export const __NR_recvfrom = perArch({ x64: 45, arm64: 207 });
export const __NR_sendmsg = perArch({ x64: 46, arm64: 211 });
export const __NR_shutdown = perArch({ x64: 48, arm64: 210 });
export const __NR_bind = perArch({ x64: 49, arm64: 200 });
export const __NR_listen = perArch({ x64: 50, arm64: 201 });
export const __NR_getsockname = perArch({ x64: 51, arm64: 204 });
export const __NR_getpeername = perArch({ x64: 52, arm64: 205 });
export const __NR_setsockopt = perArch({ x64: 54, arm64: 208 });
export const __NR_getsockopt = perArch({ x64: 55, arm64: 209 });
export const __NR_kill = perArch({ x64: 62, arm64: 129 });
export const __NR_getrusage = perArch({ x64: 98, arm64: 165 });
export const __NR_prctl = perArch({ x64: 157, arm64: 167 });
export const __NR_gettid = perArch({ x64: 186, arm64: 178 });
export const __NR_sched_setaffinity = perArch({ x64: 203, arm64: 122 });
export const __NR_sched_getaffinity = perArch({ x64: 204, arm64: 123 });
export const __NR_clock_nanosleep = perArch({ x64: 230, arm64: 115 });
export const __NR_epoll_ctl = perArch({ x64: 233, arm64: 21 });
export const __NR_epoll_pwait = perArch({ x64: 281, arm64: 22 });
export const __NR_accept4 = perArch({ x64: 288, arm64: 242 });
export const __NR_epoll_create1 = perArch({ x64: 291, arm64: 20 });
export const __NR_perf_event_open = perArch({ x64: 298, arm64: 241 });
export const __NR_memfd_create = perArch({ x64: 319, arm64: 279 });
export const __NR_bpf = perArch({ x64: 321, arm64: 280 });
export const __NR_io_uring_setup = 425;
export const __NR_io_uring_enter = 426;
export const __NR_io_uring_register = 427;
/** Since Linux 5.11. */
export const __NR_epoll_pwait2 = 441;
