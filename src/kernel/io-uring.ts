/**
 * One io_uring(7): its rings as typed arrays, its requests as methods that write one sqe each.
 *
 * Invariants
 *  R1  Only this file writes the sq tail and the cq head; the kernel alone writes the sq head and the cq tail.
 *  R2  The sq tail is published with Atomics.store after the sqe's words; the cq tail is read with Atomics.load before
 *      the cqes. io_uring(7), "submission queue" and "completion queue"
 *  R3  Every sqe word a request uses is written, the others are zero: a slot is cleared before it is filled.
 *  R4  No allocation, closure, BigInt or throw in the methods used per event. So a timed wait is a timer request and
 *      a plain enter(): the kernel's own timed enter has seven arguments, too many for a fast call.
 *  R5  user_data is two words of the caller's choosing.
 */
import {
  IORING_ACCEPT_MULTISHOT,
  IORING_ASYNC_CANCEL_ALL,
  IORING_ASYNC_CANCEL_ANY,
  IORING_ASYNC_CANCEL_FD,
  IORING_ENTER_GETEVENTS,
  IORING_OFF_SQ_RING,
  IORING_OFF_SQES,
  IORING_OP_ACCEPT,
  IORING_OP_ASYNC_CANCEL,
  IORING_OP_CLOSE,
  IORING_OP_POLL_ADD,
  IORING_OP_RECV,
  IORING_OP_SEND,
  IORING_OP_SENDMSG,
  IORING_OP_TIMEOUT,
  IORING_RECV_MULTISHOT,
  IORING_RECVSEND_POLL_FIRST,
  IORING_SETUP_CLAMP,
  IORING_SETUP_COOP_TASKRUN,
  IORING_SETUP_CQSIZE,
  IORING_SETUP_SINGLE_ISSUER,
  IORING_SETUP_SUBMIT_ALL,
  IORING_SETUP_TASKRUN_FLAG,
  IORING_SQ_CQ_OVERFLOW,
  IORING_SQ_TASKRUN,
  IOSQE_BUFFER_SELECT,
  IOSQE_CQE_SKIP_SUCCESS,
  io_uring_cqe,
  io_uring_params,
  io_uring_sqe,
} from './abi/io-uring.ts';
import { pack, unpack } from './abi/layout.ts';
import { MAP_POPULATE, MAP_SHARED, PROT_READ, PROT_WRITE } from './abi/mman.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_WAITALL, SOCK_CLOEXEC, SOCK_NONBLOCK } from './abi/socket.ts';
import { __NR_io_uring_enter, __NR_io_uring_setup } from './abi/syscall-numbers.ts';
import { __kernel_timespec } from './abi/time.ts';
import { addressOf, big, errnoCell, fastSyscall, offHeap, syscall } from './libc.ts';
import type { MessageSlots } from './message-slots.ts';
import { type Mapping, mmap } from './mmap.ts';
import type { SendArea } from './send-area.ts';
import { closeFd } from './sockets.ts';
import { syscallError } from './syscall-error.ts';

const NR_ENTER = BigInt(__NR_io_uring_enter);
const GETEVENTS = BigInt(IORING_ENTER_GETEVENTS);
const TWO_32 = 2 ** 32;
const SQE_WORDS = io_uring_sqe.byteLength / 4;
const CQE_WORDS = io_uring_cqe.byteLength / 4;
const WAKE_FLAGS = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;

// First sqe word: opcode, flags << 8, ioprio << 16.
const RECV_ONCE_WORD = IORING_OP_RECV | (IOSQE_BUFFER_SELECT << 8);
const RECV_LATER_WORD = RECV_ONCE_WORD | (IORING_RECVSEND_POLL_FIRST << 16);
const RECV_WORD = IORING_OP_RECV | (IOSQE_BUFFER_SELECT << 8) | (IORING_RECV_MULTISHOT << 16);
const ACCEPT_WORD = IORING_OP_ACCEPT | (IORING_ACCEPT_MULTISHOT << 16);
const SKIP_SUCCESS = IOSQE_CQE_SKIP_SUCCESS << 8;
const SEND_NOW_FLAGS = MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL;
const SEND_ALL_FLAGS = MSG_WAITALL | MSG_NOSIGNAL;

export type RingOptions = {
  sqEntries: number;
  cqEntries: number;
  /** Instead of COOP_TASKRUN with its flag; for measurements. */
  setupFlags?: number;
};

export class IoUring {
  readonly fd: number;
  readonly cqEntries: number;
  readonly features: number;
  readonly #bigFd: bigint;
  readonly #rings: Mapping;
  readonly #sqeMapping: Mapping;
  readonly #words: Int32Array;
  readonly #sqes: Uint32Array;
  readonly #cqes: Int32Array;
  readonly #sqHeadWord: number;
  readonly #sqTailWord: number;
  readonly #sqFlagsWord: number;
  readonly #cqHeadWord: number;
  readonly #cqTailWord: number;
  readonly #sqEntries: number;
  readonly #sqMask: number;
  readonly #cqMask: number;
  readonly #timeout: Uint32Array;
  readonly #timeoutAddress: number;
  #sqTail = 0;
  /** As it was when last read: the kernel's own is this or further on. */
  #sqHeadSeen = 0;
  #sqPublished = 0;
  #cqHead = 0;
  #closed = false;

  /** Throws SYSCALL, PERMISSION or KERNEL_FEATURE. The calling thread is the only one that may use the ring. */
  constructor(options: RingOptions) {
    const params = offHeap(io_uring_params.byteLength);
    const taskRun = options.setupFlags ?? IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    pack(params, io_uring_params, {
      flags:
        IORING_SETUP_CQSIZE |
        IORING_SETUP_CLAMP |
        IORING_SETUP_SUBMIT_ALL |
        IORING_SETUP_SINGLE_ISSUER |
        taskRun,
      cq_entries: options.cqEntries,
    });
    const fd = syscall(__NR_io_uring_setup, options.sqEntries, params);
    if (fd < 0) throw syscallError('io_uring_setup', -fd);
    this.fd = fd;
    this.#bigFd = big(fd);
    const get = (field: keyof typeof io_uring_params.fields) => unpack(params, io_uring_params, field);
    this.features = get('features');
    this.cqEntries = get('cq_entries');
    this.#sqEntries = get('sq_entries');
    const sqRingBytes = get('sq_off.array') + this.#sqEntries * 4;
    const cqRingBytes = get('cq_off.cqes') + this.cqEntries * io_uring_cqe.byteLength;
    const protection = PROT_READ | PROT_WRITE;
    const sharing = MAP_SHARED | MAP_POPULATE;
    try {
      this.#rings = mmap(Math.max(sqRingBytes, cqRingBytes), protection, sharing, fd, IORING_OFF_SQ_RING);
      const sqeBytes = this.#sqEntries * io_uring_sqe.byteLength;
      this.#sqeMapping = mmap(sqeBytes, protection, sharing, fd, IORING_OFF_SQES);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
    const words = new Int32Array(this.#rings.buffer, 0, Math.floor(this.#rings.byteLength / 4));
    this.#words = words;
    this.#sqes = new Uint32Array(this.#sqeMapping.buffer);
    this.#cqes = new Int32Array(this.#rings.buffer, get('cq_off.cqes'), this.cqEntries * CQE_WORDS);
    this.#sqHeadWord = get('sq_off.head') / 4;
    this.#sqTailWord = get('sq_off.tail') / 4;
    this.#sqFlagsWord = get('sq_off.flags') / 4;
    this.#cqHeadWord = get('cq_off.head') / 4;
    this.#cqTailWord = get('cq_off.tail') / 4;
    this.#sqMask = words[get('sq_off.ring_mask') / 4]!;
    this.#cqMask = words[get('cq_off.ring_mask') / 4]!;
    // The indirection between ring and sqes is not used: slot i is always sqe i.
    const arrayWord = get('sq_off.array') / 4;
    for (let i = 0; i < this.#sqEntries; i++) words[arrayWord + i] = i;

    // tv_sec and tv_nsec, the high word of each staying zero.
    this.#timeout = new Uint32Array(offHeap(__kernel_timespec.byteLength).buffer);
    this.#timeoutAddress = Number(addressOf(this.#timeout));
  }

  // Completions. Read the cqes of [cqHead, cqTail()), then consume them; indices wrap at 2^32 and are masked here.

  get cqHead(): number {
    return this.#cqHead;
  }
  /** How many completions wait to be read. */
  cqReady(): number {
    return (Atomics.load(this.#words, this.#cqTailWord) - this.#cqHead) | 0;
  }
  cqeLow(index: number): number {
    return this.#cqes[(index & this.#cqMask) * CQE_WORDS]!;
  }
  cqeHigh(index: number): number {
    return this.#cqes[(index & this.#cqMask) * CQE_WORDS + 1]!;
  }
  cqeResult(index: number): number {
    return this.#cqes[(index & this.#cqMask) * CQE_WORDS + 2]!;
  }
  cqeFlags(index: number): number {
    return this.#cqes[(index & this.#cqMask) * CQE_WORDS + 3]!;
  }
  /** Replaces the low word of a completion that was handled out of order. */
  relabel(index: number, low: number): void {
    this.#cqes[(index & this.#cqMask) * CQE_WORDS] = low;
  }
  /** Gives completions back to the kernel. */
  consume(count: number): void {
    this.#cqHead = (this.#cqHead + count) | 0;
    Atomics.store(this.#words, this.#cqHeadWord, this.#cqHead);
  }
  /** The kernel has work that only an enter() can finish, or completions that did not fit the ring. */
  get needsEnter(): boolean {
    return (Atomics.load(this.#words, this.#sqFlagsWord) & WAKE_FLAGS) !== 0;
  }
  get isOverflown(): boolean {
    return (Atomics.load(this.#words, this.#sqFlagsWord) & IORING_SQ_CQ_OVERFLOW) !== 0;
  }

  // Submission.

  /** Requests written and not yet taken by the kernel. */
  get unsubmittedCount(): number {
    this.#sqHeadSeen = Atomics.load(this.#words, this.#sqHeadWord);
    return (this.#sqTail - this.#sqHeadSeen) | 0;
  }
  /** Room for that many more requests? If not, enter() first. */
  hasRoom(count: number): boolean {
    // An Atomics.load is a call: not for every request.
    if (((this.#sqTail - this.#sqHeadSeen) | 0) + count <= this.#sqEntries) return true;
    return this.unsubmittedCount + count <= this.#sqEntries;
  }

  /**
   * io_uring_enter(2): submits all requests and waits for `waitCount` completions (0 does not wait, but lets finished
   * work post its completions). 0, or −errno: −EINTR after a signal, −EAGAIN when memory is short; call again.
   */
  enter(waitCount: number): number {
    const submit = this.#publish();
    const result = fastSyscall(NR_ENTER, this.#bigFd, big(submit), big(waitCount), GETEVENTS, 0n);
    return result < 0 ? -errnoCell[0]! : 0;
  }

  // Requests. Each needs hasRoom().

  /** Receives into buffers of the group until cancelled: a completion with buffer for each piece of data. */
  receiveMultishot(fd: number, bufferGroup: number, low: number, high: number): void {
    const at = this.#nextSqe(RECV_WORD, fd, low, high);
    this.#sqes[at + 10] = bufferGroup;
  }

  /** Receives once into a buffer of the group; `waits`: nothing is expected to be there yet. */
  receiveOnce(fd: number, bufferGroup: number, waits: boolean, low: number, high: number): void {
    const at = this.#nextSqe(waits ? RECV_LATER_WORD : RECV_ONCE_WORD, fd, low, high);
    this.#sqes[at + 10] = bufferGroup;
  }

  acceptMultishot(fd: number, low: number, high: number): void {
    const at = this.#nextSqe(ACCEPT_WORD, fd, low, high);
    this.#sqes[at + 7] = SOCK_NONBLOCK | SOCK_CLOEXEC;
  }

  /**
   * Sends what the socket takes at once: over when enter() returns. A completion comes only when not all was taken:
   * its result is the byte count, or −EAGAIN for none, or another −errno.
   */
  sendNow(fd: number, area: SendArea, start: number, end: number, low: number, high: number): void {
    const at = this.#nextSqe(IORING_OP_SEND | SKIP_SUCCESS, fd, low, high);
    this.#setMemory(at, area.addressNumber + start, end - start);
    this.#sqes[at + 7] = SEND_NOW_FLAGS;
  }

  /** sendNow of the pieces gathered in a message slot. */
  sendMessageNow(fd: number, messages: MessageSlots, slot: number, low: number, high: number): void {
    const at = this.#nextSqe(IORING_OP_SENDMSG | SKIP_SUCCESS, fd, low, high);
    this.#setMemory(at, messages.addressNumber(slot), 1);
    this.#sqes[at + 7] = SEND_NOW_FLAGS;
  }

  /** Sends all, waiting for room as needed: one completion, with the byte count or −errno. */
  sendAll(fd: number, area: SendArea, start: number, end: number, low: number, high: number): void {
    const at = this.#nextSqe(IORING_OP_SEND, fd, low, high);
    this.#setMemory(at, area.addressNumber + start, end - start);
    this.#sqes[at + 7] = SEND_ALL_FLAGS;
  }

  /** One completion when the descriptor shows one of the POLL* events. */
  pollOnce(fd: number, events: number, low: number, high: number): void {
    const at = this.#nextSqe(IORING_OP_POLL_ADD, fd, low, high);
    this.#sqes[at + 7] = events;
  }

  /** One completion, −ETIME, after timeoutNs. Exact: unlike other timed waits it has no slack. */
  timer(timeoutNs: number, low: number, high: number): void {
    // One timespec serves all: the kernel copies it when it takes the request, and enter() comes before the next.
    const seconds = Math.floor(timeoutNs / 1e9);
    this.#timeout[0] = seconds;
    this.#timeout[2] = timeoutNs - seconds * 1e9;
    const at = this.#nextSqe(IORING_OP_TIMEOUT, -1, low, high);
    this.#setMemory(at, this.#timeoutAddress, 1);
  }

  /** Cancels every request on a descriptor; each ends with its own completion, mostly −ECANCELED. */
  cancelFd(fd: number, low: number): void {
    const at = this.#nextSqe(IORING_OP_ASYNC_CANCEL | SKIP_SUCCESS, fd, low, 0);
    this.#sqes[at + 7] = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
  }

  /** Cancels every request of the ring. One completion of its own, with their number. */
  cancelEverything(low: number): void {
    const at = this.#nextSqe(IORING_OP_ASYNC_CANCEL, -1, low, 0);
    this.#sqes[at + 7] = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
  }

  /** close(2), in order after the requests written before. A completion comes only on failure. */
  close(fd: number, low: number): void {
    this.#nextSqe(IORING_OP_CLOSE | SKIP_SUCCESS, fd, low, 0);
  }

  /** Closes the ring and unmaps it: no method may be called afterwards. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    closeFd(this.fd);
    this.#rings[Symbol.dispose]();
    this.#sqeMapping[Symbol.dispose]();
  }

  /** Publishes the written sqes; returns how many the kernel has still to take. */
  #publish(): number {
    if (this.#sqPublished !== this.#sqTail) {
      this.#sqPublished = this.#sqTail;
      Atomics.store(this.#words, this.#sqTailWord, this.#sqTail);
    }
    return this.unsubmittedCount;
  }

  #nextSqe(firstWord: number, fd: number, low: number, high: number): number {
    const at = (this.#sqTail & this.#sqMask) * SQE_WORDS;
    this.#sqTail = (this.#sqTail + 1) | 0;
    const sqes = this.#sqes;
    sqes[at] = firstWord;
    sqes[at + 1] = fd;
    sqes[at + 2] = 0;
    sqes[at + 3] = 0;
    sqes[at + 4] = 0;
    sqes[at + 5] = 0;
    sqes[at + 6] = 0;
    sqes[at + 7] = 0;
    sqes[at + 8] = low;
    sqes[at + 9] = high;
    sqes[at + 10] = 0;
    sqes[at + 11] = 0;
    return at; // Words 12 to 15 are never written, and so stay zero.
  }

  #setMemory(at: number, addressNumber: number, length: number): void {
    this.#sqes[at + 4] = addressNumber; // Stored modulo 2^32.
    this.#sqes[at + 5] = addressNumber / TWO_32;
    this.#sqes[at + 6] = length;
  }
}
