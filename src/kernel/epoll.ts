/**
 * epoll(7) without allocation: one event array, ready descriptors are read as two 32-bit words chosen by the caller.
 */
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, epoll_event } from './abi/epoll.ts';
import {
  __NR_epoll_create1,
  __NR_epoll_ctl,
  __NR_epoll_pwait,
  __NR_epoll_pwait2,
} from './abi/syscall-numbers.ts';
import { __kernel_timespec } from './abi/time.ts';
import { ERRNO } from './errno.ts';
import { addressOf, big, errnoCell, fastSyscall, offHeap, syscall } from './libc.ts';
import { closeFd } from './sockets.ts';
import { syscallError } from './syscall-error.ts';

const NR_EPOLL_CTL = BigInt(__NR_epoll_ctl);
const NR_EPOLL_PWAIT = BigInt(__NR_epoll_pwait);
const NR_EPOLL_PWAIT2 = BigInt(__NR_epoll_pwait2);
const STRIDE = epoll_event.byteLength;
const DATA = epoll_event.at.data;
const NS_PER_S = 1e9;
const INFINITE = BigInt.asUintN(64, -1n);

export class Epoll {
  readonly fd: number;
  readonly #bigFd: bigint;
  readonly #events: DataView;
  readonly #eventsAddress: bigint;
  readonly #eventLimit: bigint;
  readonly #control: DataView;
  readonly #controlAddress: bigint;
  readonly #timeout: DataView;
  readonly #timeoutAddress: bigint;
  #hasPwait2 = true;
  #closed = false;

  /** At most `eventLimit` ready descriptors are taken by one wait. Throws SYSCALL. */
  constructor(eventLimit: number) {
    const fd = syscall(__NR_epoll_create1, EPOLL_CLOEXEC);
    if (fd < 0) throw syscallError('epoll_create1', -fd);
    this.fd = fd;
    this.#bigFd = big(fd);
    const events = offHeap(eventLimit * STRIDE);
    this.#events = new DataView(events.buffer);
    this.#eventsAddress = addressOf(events);
    this.#eventLimit = big(eventLimit);
    const control = offHeap(STRIDE);
    this.#control = new DataView(control.buffer);
    this.#controlAddress = addressOf(control);
    const timeout = offHeap(__kernel_timespec.byteLength);
    this.#timeout = new DataView(timeout.buffer);
    this.#timeoutAddress = addressOf(timeout);
  }

  /** Watches a descriptor; `low` and `high` come back with each of its events. Throws SYSCALL. */
  add(fd: number, events: number, low: number, high: number): void {
    const result = this.#ctl(EPOLL_CTL_ADD, fd, events, low, high);
    if (result < 0) throw syscallError('epoll_ctl', errnoCell[0]!, `add ${fd}`);
  }

  modify(fd: number, events: number, low: number, high: number): void {
    this.#ctl(EPOLL_CTL_MOD, fd, events, low, high);
  }

  remove(fd: number): void {
    this.#ctl(EPOLL_CTL_DEL, fd, 0, 0, 0);
  }

  /**
   * Waits for events: timeoutNs 0 polls, Infinity waits for ever. Returns how many are ready, 0 after a timeout or a
   * signal. epoll_pwait2 takes nanoseconds; on kernels before 5.11 the wait is rounded up to milliseconds.
   */
  wait(timeoutNs: number): number {
    let count: number;
    if (this.#hasPwait2 && timeoutNs > 0 && timeoutNs !== Number.POSITIVE_INFINITY) {
      const seconds = Math.floor(timeoutNs / NS_PER_S);
      this.#timeout.setUint32(0, seconds, true);
      this.#timeout.setUint32(8, timeoutNs - seconds * NS_PER_S, true);
      count = fastSyscall(
        NR_EPOLL_PWAIT2,
        this.#bigFd,
        this.#eventsAddress,
        this.#eventLimit,
        this.#timeoutAddress,
        0n,
      );
      if (count < 0 && errnoCell[0]! === ERRNO.ENOSYS) {
        this.#hasPwait2 = false;
        return this.wait(timeoutNs);
      }
    } else {
      const ms = timeoutNs === Number.POSITIVE_INFINITY ? INFINITE : big(millisecondsUp(timeoutNs));
      count = fastSyscall(NR_EPOLL_PWAIT, this.#bigFd, this.#eventsAddress, this.#eventLimit, ms, 0n);
    }
    if (count >= 0) return count;
    const errno = errnoCell[0]!;
    if (errno === ERRNO.EINTR) return 0;
    throw syscallError('epoll_pwait', errno);
  }

  /** Of the index-th ready event: the EPOLL* bits. */
  events(index: number): number {
    return this.#events.getUint32(index * STRIDE, true);
  }

  low(index: number): number {
    return this.#events.getUint32(index * STRIDE + DATA, true);
  }

  high(index: number): number {
    return this.#events.getUint32(index * STRIDE + DATA + 4, true);
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    closeFd(this.fd);
  }

  #ctl(operation: number, fd: number, events: number, low: number, high: number): number {
    this.#control.setUint32(0, events, true);
    this.#control.setUint32(DATA, low, true);
    this.#control.setUint32(DATA + 4, high, true);
    return fastSyscall(NR_EPOLL_CTL, this.#bigFd, big(operation), big(fd), this.#controlAddress, 0n);
  }
}

function millisecondsUp(ns: number): number {
  return Math.min(Math.ceil(ns / 1e6), 60_000);
}
