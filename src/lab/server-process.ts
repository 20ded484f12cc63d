/** `loopscope serve` as a child: its own pid, its own loop, ended with us however we end. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LoopscopeError } from '../base/errors.ts';

export type ServerProcess = {
  readonly pid: number;
  /** As the load commands take it. */
  readonly target: string;
  [Symbol.asyncDispose](): Promise<void>;
};

export type ServerProcessOptions = {
  program: readonly string[];
  kind: 'http' | 'agent';
  listen: string;
  faults: readonly string[];
  backend?: 'ring' | 'epoll';
};

const READY_WITHIN_MS = 15_000;
const STOP_WITHIN_MS = 3000;

/** Returns when the server listens. Throws what it said when it ends before that. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const argv = [
    ...options.program,
    ...['serve', options.kind, '--listen', options.listen, '--json', '--die-with-parent'],
    ...options.faults.flatMap((fault) => ['--fault', fault]),
    ...(options.backend ? ['--backend', options.backend] : []),
  ];
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      complaint += error.message;
      resolve();
    });
  });
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<string>((resolve) => lines.once('line', resolve));
  const late = new Promise<void>((resolve) => setTimeout(resolve, READY_WITHIN_MS).unref());

  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await exited;
    clearTimeout(timer);
  };
  const line = await Promise.race([ready, exited, late]);
  const said = typeof line === 'string' ? (JSON.parse(line) as Said) : null;
  if (!said?.targets) {
    await stop();
    const why = said?.error?.message ?? (complaint.trim() || 'it said nothing');
    throw new LoopscopeError('INTERNAL', `the server did not start: ${why}`, said?.error?.hint);
  }
  return { pid: said.pid!, target: said.targets[0]!, [Symbol.asyncDispose]: stop };
}

/** The first line of a server told --json: that it is ready, or why it will not be. */
type Said = { pid?: number; targets?: string[]; error?: { message: string; hint: string } };
