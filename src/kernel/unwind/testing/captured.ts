/** Builds capture.c with the compiler that is there, and reads what it prints. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from '../../../../test/fixtures/process.ts';
import { emptyRegisters, type Registers, setRegister, X64 } from '../registers.ts';
import { createStackCopy, type StackCopy } from '../stack-copy.ts';

export type Captured = {
  registers: Registers;
  stack: StackCopy;
  mapsText: string;
  /** Return addresses as backtrace(3) saw them, from the caller of the capturing function outwards. */
  callers: bigint[];
};

export const COMPILERS = ['gcc', 'clang'].filter((name) => findProgram(name) !== null);

/** Returns the path of the program. */
export function buildCapture(compiler: string, folder: string): string {
  const source = (name: string) => join(import.meta.dirname, name);
  const legacy = join(folder, 'legacy.o');
  const bare = ['-O1', '-fno-omit-frame-pointer', '-fno-asynchronous-unwind-tables', '-fno-unwind-tables'];
  execFileSync(compiler, [
    '-w',
    ...bare,
    '-fno-optimize-sibling-calls',
    '-c',
    source('legacy.c'),
    '-o',
    legacy,
  ]);
  const program = join(folder, 'capture');
  const options = ['-w', '-O2', '-fomit-frame-pointer', '-fno-optimize-sibling-calls', '-pthread'];
  execFileSync(compiler, [...options, source('capture.c'), legacy, '-o', program]);
  return program;
}

export function runCapture(program: string, place: string): Captured {
  const { stdout } = spawnSync(program, [place], { encoding: 'latin1', timeout: 10_000, maxBuffer: 1 << 24 });
  const line = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(stdout)?.[1] ?? '';
  const words = (name: string) =>
    line(name)
      .split(' ')
      .map((word) => BigInt(`0x${word}`));
  const values = words('registers');
  const registers = emptyRegisters(X64, Number(values[16]!));
  for (const [index, value] of values.entries()) setRegister(registers, index, value);
  return {
    registers,
    stack: createStackCopy(Number(values[7]!), Buffer.from(line('stack'), 'hex')),
    mapsText: stdout.slice(stdout.indexOf('\nmaps\n') + 6),
    callers: words('frames'),
  };
}
