import { readlinkSync } from 'node:fs';
import { formatPlace, type UserSymbols } from '../../kernel/symbols/user-symbols.ts';
import { readBlockedThread } from '../../kernel/unwind/blocked-thread.ts';
import { unwind } from '../../kernel/unwind/unwind.ts';

const STACK_LIMIT_BYTES = 32 << 10;
const FRAME_LIMIT = 48;

/**
 * Named frames of a thread that is blocked now, innermost first; null when it runs, or may not be looked at. About 1 ms,
 * and the first time of a program 0.1 s and more, for reading its tables.
 */
export function readBlockedStack(pid: number, tid: number, symbols: UserSymbols): string[] | null {
  const record = readBlockedThread(pid, tid, STACK_LIMIT_BYTES);
  if (record === null) return null;
  symbols.image.beginLook();
  const { frames } = unwind(symbols.image, record.registers, record.stack, FRAME_LIMIT);
  return frames.map(({ address, isReturnAddress }) => formatPlace(symbols.locate(address, isReturnAddress)));
}

/**
 * Reads what naming will need before it is needed: the kernel's symbols, and those of each program once. Otherwise the
 * first stall would be told of half a second late.
 */
export function createWarmUp(kernelSymbol: (address: bigint) => string) {
  const programs = new Set<string>();
  return (pid: number, tid: number, symbols: UserSymbols | null): void => {
    const program = programOf(pid);
    if (symbols === null || program === null || programs.has(program)) return;
    if (programs.size === 0) kernelSymbol(0n);
    programs.add(program);
    readBlockedStack(pid, tid, symbols);
  };
}

function programOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}
