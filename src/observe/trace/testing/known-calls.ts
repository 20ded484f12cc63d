/** Compiles and runs known-calls.c: a program whose system calls and functions are known. For tests only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { compileOnce } from '../../testing/compile-once.ts';

const source = new URL('./known-calls.c', import.meta.url);
/** recurse() must stay a recursion; debug information is to know what was inlined away. */
const FLAGS = ['-g', '-gz=none', '-fno-optimize-sibling-calls'];

/** The compiled program, or null without a C compiler. */
export const knownBinary = () => compileOnce(source, FLAGS);

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
