/** Compiles and runs planted-loop.c: a loop whose cycles, sleeps and faults are known beforehand. For tests only. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('./planted-loop.c', import.meta.url));
let binary: string | null | undefined;

/** The compiled program, or null without a C compiler. Removed when the process ends. */
export function plantedBinary(): string | null {
  if (binary === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'loopscope-planted-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'planted-loop');
    try {
      execFileSync('cc', ['-O2', '-Wall', '-pthread', '-o', path, source], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    } catch {
      // No compiler: the caller skips.
    }
    binary = existsSync(path) ? path : null;
  }
  return binary;
}

export type PlantedLoop = {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Lets it run its steps; resolves when it has ended well. */
  run(): Promise<void>;
  /** For steps with an "h": lets it run; resolves when it hangs there. */
  runUntilHang(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Starts it, waiting in epoll_wait for `run`. `cpu` pins it to one CPU. */
export async function plantLoop(steps: string[], options: { cpu?: number } = {}): Promise<PlantedLoop> {
  const command = plantedBinary()!;
  const child =
    options.cpu === undefined
      ? spawn(command, steps, { stdio: ['pipe', 'pipe', 'inherit'] })
      : spawn('taskset', ['-c', String(options.cpu), command, ...steps], {
          stdio: ['pipe', 'pipe', 'inherit'],
        });
  const exited = once(child, 'exit');
  await once(child.stdout!, 'data');
  return {
    pid: child.pid!,
    child,
    async run() {
      child.stdin!.write('g');
      child.stdin!.end();
      const [code] = await exited;
      if (code !== 0) throw new Error(`planted loop ended with ${code}`);
    },
    async runUntilHang() {
      const hanging = once(child.stdout!, 'data');
      child.stdin!.write('g');
      await hanging;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
