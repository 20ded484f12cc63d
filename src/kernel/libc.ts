/**
 * libc through node:ffi: the one place where system calls leave JavaScript.
 *
 * Why every fast signature is made of `pointer` only: Node wraps a function with any integer or buffer parameter in a
 * JavaScript checker (about 40 ns for one argument, 400 ns from four upwards), but binds a pointer-only signature
 * straight to V8's fast call, at the bare cost of the system call. The price is that arguments are BigInts: hot paths
 * take theirs from a table made beforehand (`big`), so that no call allocates. See docs/decisions/ffi-calls.md.
 */
import { dlopen, getRawPointer, toArrayBuffer } from 'node:ffi';
import { errnoName } from './errno.ts';

type Fast = (...args: bigint[]) => number;
type Slow = (...args: (bigint | ArrayBufferView | null)[]) => bigint;

const pointers = (count: number): 'pointer'[] => Array<'pointer'>(count).fill('pointer');

// One library handle per signature: a handle refuses the same symbol with two signatures.
const fastLibrary = dlopen('libc.so.6', {
  syscall: { arguments: pointers(6), return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
  clock_gettime: { arguments: pointers(2), return: 'i32' },
});
const slowLibrary = dlopen('libc.so.6', { syscall: { arguments: pointers(7), return: 'i64' } });

/**
 * syscall(2) with up to five arguments; result −1 means see `lastErrno()`. Fast: pass only BigInts from `big()` or
 * constants. The sixth kernel argument is whatever the register held, so only for calls that ignore it.
 */
export const fastSyscall = fastLibrary.functions.syscall as unknown as Fast;

/** clock_gettime(3): clock number and address of a timespec. Reads the vDSO page, makes no system call. */
export const clockGettime = fastLibrary.functions.clock_gettime as unknown as Fast;

const slowSyscall = slowLibrary.functions.syscall as unknown as Slow;

// errno(3) is per thread, and so is this module: each worker thread maps its own.
const errnoView = new Int32Array(
  toArrayBuffer((fastLibrary.functions.__errno_location as unknown as () => bigint)(), 4, false),
);

/** errno of the last failed call on this thread. Read it before anything else is called. */
export function lastErrno(): number {
  return errnoView[0]!;
}

const BIG_TABLE_SIZE = 65_536;
const bigTable: bigint[] = Array.from({ length: BIG_TABLE_SIZE }, (_, i) => BigInt(i));

/** The BigInt of a small non-negative integer, without allocating below 65 536. */
export function big(value: number): bigint {
  return value >= 0 && value < BIG_TABLE_SIZE ? bigTable[value]! : BigInt.asUintN(64, BigInt(value));
}

export type SyscallArgument = number | bigint | ArrayBufferView | null;

/**
 * Any system call with up to six arguments, about half a microsecond dearer than `fastSyscall`. Returns the result,
 * or −errno as the kernel does. Views are passed by address and must not be on V8's heap: see `offHeap`.
 */
export function syscall(number: number, ...args: SyscallArgument[]): number {
  const raw: (bigint | ArrayBufferView | null)[] = [big(number), 0n, 0n, 0n, 0n, 0n, 0n];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    raw[i + 1] = typeof arg === 'number' ? BigInt.asUintN(64, BigInt(arg)) : arg;
  }
  const result = Number(slowSyscall(...raw));
  return result === -1 ? -lastErrno() : result;
}

/** Zeroed memory with a fixed address (V8 may move arrays of 64 bytes or less that it keeps on its heap). */
export function offHeap(byteLength: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(Math.max(byteLength, 128)), 0, byteLength);
}

/** Address of an off-heap view. The caller keeps the view alive for as long as the kernel may use the address. */
export function addressOf(view: NodeJS.ArrayBufferView): bigint {
  return getRawPointer(view);
}

/** Memory at an address as an ArrayBuffer, not copied. It must outlive every use: unmap only when all views are gone. */
export function memoryAt(address: bigint, byteLength: number): ArrayBuffer {
  return toArrayBuffer(address, byteLength, false);
}

/** "EAGAIN (11)" for messages. */
export function describeErrno(errno: number): string {
  return `${errnoName(errno)} (${errno})`;
}
