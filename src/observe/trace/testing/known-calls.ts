/** Compiles and runs known-calls.c: a program whose system calls and functions are known. For tests only. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('./known-calls.c', import.meta.url));
let binary: string | null | undefined;

/** The compiled program, or null without a C compiler. Removed when the process ends. */
export function knownBinary(): string | null {
  if (binary === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'loopscope-known-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'known-calls');
    try {
      // recurse() must stay a recursion; debug information is to know what was inlined away.
      const flags = ['-O2', '-g', '-gz=none', '-fno-optimize-sibling-calls'];
      execFileSync('cc', [...flags, '-Wall', '-pthread', '-o', path, source], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    } catch {
      // No compiler: the caller skips.
    }
    binary = existsSync(path) ? path : null;
  }
  return binary;
}

export type KnownProgram = {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Lets it do its steps; resolves when they are done and it waits again. */
  run(): Promise<void>;
  /** Lets it end. */
  end(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Started, waiting for its go. */
export async function startKnown(steps: string[], options: { cpu?: number } = {}): Promise<KnownProgram> {
  const command = [knownBinary()!, ...steps];
  if (options.cpu !== undefined) command.unshift('taskset', '-c', String(options.cpu));
  const child = spawn(command[0]!, command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await once(child.stdout!, 'data');
  return {
    pid: child.pid!,
    child,
    async run() {
      const done = once(child.stdout!, 'data');
      child.stdin!.write('g');
      await done;
    },
    async end() {
      child.stdin!.end();
      await exited;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
