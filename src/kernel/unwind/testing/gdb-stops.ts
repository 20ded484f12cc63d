/**
 * Stops a running process again and again with gdb(1). Each stop gives gdb's own backtrace and, of the very same
 * moment, what the unwinder is given: registers, stack, maps. For tests and for recording fixtures.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../../test/fixtures/guard.ts';
import { findProgram, start } from '../../../../test/fixtures/process.ts';
import { emptyRegisters, type Registers, setRegister, X64 } from '../registers.ts';

export const gdbPath = findProgram('gdb');

export type GdbFrame = { address: bigint; name: string | null; isSignalFrame: boolean };

export type Stop = {
  /** DWARF registers 0 to 16 of x86-64. */
  registers: bigint[];
  stack: Uint8Array;
  mapsText: string;
  gdbFrames: GdbFrame[];
};

const NAMES = 'rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip'.split(' ');
const STOP_LIMIT_MS = 1500;

export type StopOptions = { count: number; stackBytes?: number; pauseMs?: number; frameCount?: number };

/** `stackBytes` are copied, or as many as the main thread's stack has left. Fewer stops if the process ends. */
export async function gdbStops(pid: number, options: StopOptions): Promise<Stop[]> {
  const { count, stackBytes = 65_536, pauseMs = 30, frameCount = 64 } = options;
  using folder = temporaryFolder();
  const stackEnd = /^[0-9a-f]+-([0-9a-f]+) .*\[stack\]$/m.exec(
    readFileSync(`/proc/${pid}/maps`, 'utf8'),
  )?.[1];
  const lines = [
    'set pagination off',
    'set confirm off',
    'set width 0',
    'set debuginfod enabled off',
    // Names of inlined functions, which only debug information has, are another question.
    'set debug-file-directory /nonexistent',
    'set print frame-arguments none',
    'set auto-load off',
    'set backtrace past-main on',
  ];
  for (let i = 0; i < count; i++) {
    const file = (kind: string) => join(folder.path, `${kind}-${i}`);
    lines.push(
      `attach ${pid}`,
      'printf "@@registers"',
      ...NAMES.map((name) => `printf " %lx", $${name}`),
      'printf "\\n@@frames\\n"',
      `bt ${frameCount}`,
      'printf "@@end\\n"',
      `dump binary memory ${file('stack')} $sp ($sp+${stackBytes}<0x${stackEnd}?$sp+${stackBytes}:0x${stackEnd})`,
      `shell cat /proc/${pid}/maps > ${file('maps')}`,
      'detach',
      `shell sleep ${pauseMs / 1000}`,
    );
  }
  const script = join(folder.path, 'stops.gdb');
  writeFileSync(script, `${lines.join('\n')}\n`);
  let text = '';
  await using gdb = start(gdbPath ?? 'gdb', ['-nx', '-batch', '-x', script]);
  gdb.child.stdout!.on('data', (chunk: string) => {
    text += chunk;
  });
  const tooLong = setTimeout(() => void gdb.stop(), count * STOP_LIMIT_MS);
  await gdb.exited;
  clearTimeout(tooLong);
  const stops: Stop[] = [];
  text
    .split('@@registers ')
    .slice(1)
    .forEach((part, i) => {
      if (!part.includes('@@end')) return;
      const registers = part
        .split('\n')[0]!
        .trim()
        .split(' ')
        .map((word) => BigInt(`0x${word}`));
      const frames = part.slice(part.indexOf('@@frames'), part.indexOf('@@end'));
      stops.push({
        registers,
        stack: readFileSync(join(folder.path, `stack-${i}`)),
        mapsText: readFileSync(join(folder.path, `maps-${i}`), 'utf8'),
        gdbFrames: parseBacktrace(frames, registers[16]!),
      });
    });
  return stops;
}

/** gdb leaves out the address of a frame that is at the first instruction of a line, and of signal handlers. */
export function parseBacktrace(text: string, pc: bigint): GdbFrame[] {
  const frames: GdbFrame[] = [];
  for (const match of text.matchAll(
    /^#(\d+) +(?:0x([0-9a-f]+) in )?(?:([^\n(]*?) \(|<(signal handler called)>)/gm,
  )) {
    const name = match[3] === undefined || match[3] === '??' ? null : match[3];
    const address = match[2] ? BigInt(`0x${match[2]}`) : match[1] === '0' ? pc : 0n;
    frames.push({ address, name, isSignalFrame: match[4] !== undefined });
  }
  return frames;
}

export function registersOf(stop: Pick<Stop, 'registers'>): Registers {
  const registers = emptyRegisters(X64, Number(stop.registers[16]!));
  for (const [index, value] of stop.registers.entries()) setRegister(registers, index, value);
  return registers;
}
