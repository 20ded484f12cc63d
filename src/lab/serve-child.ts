/** `loopscope serve` as a child of ours: started, waited for, ended. Its own pid, its own loop. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LoopscopeError } from '../base/errors.ts';

export type ServeChild = {
  readonly child: ChildProcess;
  readonly pid: number;
  /** As the load commands take it. */
  readonly target: string;
  /** Pids of its workers; empty without a master. */
  readonly workers: number[];
  readonly exited: Promise<void>;
  /** What it last wrote to standard error. */
  complaint(): string;
  /** SIGTERM, and SIGKILL for one that does not heed it. */
  stop(): Promise<void>;
};

export type ServeChildOptions = {
  program: readonly string[];
  /** Of `serve`; that it is to speak JSON and end with us is added. */
  args: readonly string[];
  readyWithinMs: number;
  stopWithinMs: number;
  /** Each line of JSON after the first. */
  onLine?(said: object): void;
};

/** The first line of a server told --json: that it is ready, or why it will not be. */
type Said = {
  pid?: number;
  targets?: string[];
  workers?: number[];
  error?: { message: string; hint: string };
};

/** Returns when it listens. Throws INTERNAL with what it said when it ends before that. */
export async function startServeChild(options: ServeChildOptions): Promise<ServeChild> {
  const argv = [...options.program, 'serve', ...options.args, '--json', '--die-with-parent'];
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
  const first = new Promise<Said>((resolve) => {
    let isFirst = true;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as object;
      if (isFirst) resolve(said);
      else options.onLine?.(said);
      isFirst = false;
    });
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), options.stopWithinMs);
    await exited;
    clearTimeout(timer);
  };
  const said = await Promise.race([first, exited, late(options.readyWithinMs)]);
  if (!said?.targets) {
    await stop();
    const why = said?.error?.message ?? (complaint.trim() || 'it said nothing');
    throw new LoopscopeError('INTERNAL', `the server did not start: ${why}`, said?.error?.hint);
  }
  const { pid, targets, workers = [] } = said;
  return { child, pid: pid!, target: targets[0]!, workers, exited, complaint: () => complaint.trim(), stop };
}

/** Resolves after so long, and keeps nobody from ending. */
export function late(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
