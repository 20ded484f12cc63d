/** include/uapi/linux/eventpoll.h, epoll(7). */
import { layout, perArch, u32, u64 } from './layout.ts';

export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
/** Since 4.5: wake one waiter, not all, when several epolls watch one descriptor. */
export const EPOLLEXCLUSIVE = 0x10000000;

const dataOffset = perArch({ x64: 4, arm64: 8 });

/** struct epoll_event — epoll_ctl(2). Packed to 12 bytes on x86-64 only; 16 elsewhere. */
export const epoll_event = layout('epoll_event', dataOffset + 8, { events: u32(0), data: u64(dataOffset) });
