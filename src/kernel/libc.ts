/**
 * libc through node:ffi: the one place where system calls leave JavaScript.
 *
 * Why every fast signature is made of `pointer` only: Node wraps a function with any integer or buffer parameter in a
 * JavaScript checker (about 40 ns for one argument, 400 ns from four upwards), but binds a pointer-only signature
 * straight to V8's fast call, at the bare cost of the system call. The price is that arguments are BigInts: hot paths
 * take theirs from a table made beforehand (`big`), so that no call allocates. See docs/decisions/ffi-calls.md.
 */
import type * as NodeFfi from 'node:ffi';
import { withoutExperimentalWarning } from '../base/experimental.ts';
import { errnoName } from './errno.ts';

const { dlopen, getRawPointer, toArrayBuffer } = withoutExperimentalWarning((): typeof NodeFfi =>
  process.getBuiltinModule('node:ffi'),
);

type Fast = (...args: bigint[]) => number;

const pointers = (count: number): 'pointer'[] => Array<'pointer'>(count).fill('pointer');

// One library handle per signature: a handle refuses the same symbol with two signatures.
const fastLibrary = dlopen('libc.so.6', {
  syscall: { arguments: pointers(6), return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
  clock_gettime: { arguments: pointers(2), return: 'i32' },
});
const sixLibrary = dlopen('libc.so.6', { syscall: { arguments: pointers(7), return: 'i32' } });
const wideLibrary = dlopen('libc.so.6', { syscall: { arguments: pointers(7), return: 'i64' } });

/**
 * syscall(2) with up to five arguments; result −1 means see `errnoCell`. Fast: pass only BigInts from `big()` or
 * constants. The sixth kernel argument is whatever the register held, so only for calls that ignore it.
 */
export const fastSyscall = fastLibrary.functions.syscall as unknown as Fast;

/** clock_gettime(3): clock number and address of a timespec. Reads the vDSO page, makes no system call. */
export const clockGettime = fastLibrary.functions.clock_gettime as unknown as Fast;

const sixArguments = sixLibrary.functions.syscall as unknown as Fast;
const wideResult = wideLibrary.functions.syscall as unknown as (...args: bigint[]) => bigint;

/**
 * Element 0: errno of the last failed call on this thread. Read it before anything else is called or allocated: V8 makes
 * calls of its own then, and its locks set errno (EAGAIN, of a futex that changed). So it is a cell and no function.
 * errno(3) is per thread, and so is this module: each worker thread maps its own.
 */
export const errnoCell = new Int32Array(
  toArrayBuffer((fastLibrary.functions.__errno_location as unknown as () => bigint)(), 4, false),
);

const BIG_TABLE_SIZE = 65_536;
const bigTable: bigint[] = Array.from({ length: BIG_TABLE_SIZE }, (_, i) => BigInt(i));

/** The BigInt of a small non-negative integer, without allocating below 65 536. */
export function big(value: number): bigint {
  return value >= 0 && value < BIG_TABLE_SIZE ? bigTable[value]! : BigInt.asUintN(64, BigInt(value));
}

export type SyscallArgument = number | bigint | NodeJS.ArrayBufferView | null;

/**
 * Any system call with up to six arguments, somewhat dearer than `fastSyscall`; give all six to one that takes six. Returns
 * the result, or −errno as the kernel does. Views are passed by address and must not be on V8's heap: see `offHeap`.
 */
export function syscall(number: number, ...args: SyscallArgument[]): number {
  const [a, b, c, d, e, f] = args;
  const result =
    args.length < 6
      ? fastSyscall(big(number), bits(a), bits(b), bits(c), bits(d), bits(e))
      : sixArguments(big(number), bits(a), bits(b), bits(c), bits(d), bits(e), bits(f));
  return result === -1 ? -errnoCell[0]! : result;
}

/** As `syscall`, for calls whose result is an address. A BigInt is made before errno is read: a rare failure may be misnamed. */
export function syscallForAddress(number: number, ...args: SyscallArgument[]): bigint {
  const result = wideResult(big(number), ...[0, 1, 2, 3, 4, 5].map((i) => bits(args[i])));
  return result === -1n ? BigInt(-errnoCell[0]!) : result;
}

function bits(arg: SyscallArgument | undefined): bigint {
  if (arg === undefined || arg === null) return 0n;
  if (typeof arg === 'bigint') return arg;
  return typeof arg === 'number' ? big(arg) : getRawPointer(arg);
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
