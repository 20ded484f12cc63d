/** Compiles and runs planted-loop.c: a loop whose cycles, sleeps and faults are known beforehand. For tests only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { compileOnce } from './compile-once.ts';

/** The compiled program, or null without a C compiler. */
export const plantedBinary = () => compileOnce(new URL('./planted-loop.c', import.meta.url));

export type PlantedLoop = {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Lets it run its steps; resolves when it has ended well. */
  run(): Promise<void>;
  /** For steps with an "h": lets it run; resolves when it hangs there. */
  runUntilHang(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type PlantOptions = {
  /** Pins it to one CPU. */
  cpu?: number;
  /** argv in front that becomes the program, as taskset(1) does. */
  prefix?: string[];
};

/** Starts it, waiting in epoll_wait for `run`. */
export async function plantLoop(steps: string[], options: PlantOptions = {}): Promise<PlantedLoop> {
  const pinned = options.cpu === undefined ? [] : ['taskset', '-c', String(options.cpu)];
  const [command, ...args] = [...(options.prefix ?? []), ...pinned, plantedBinary()!, ...steps];
  const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
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
