/** A server in a process of its own, for tests: run as a script with its options in argv, as JSON. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Address } from '../../base/address.ts';
import { parseFault } from '../faults/spec.ts';
import type { ServeReady } from '../ready.ts';
import { type ServeOptions, type ServeSummary, serve } from '../serve.ts';
import { serveWithWorkers } from '../serve-workers.ts';

type ChildOptions = Omit<ServeOptions, 'faults' | 'parentPid' | 'signal' | 'onReady'> & {
  faults?: string[];
  replyText?: string;
  diesWithParent?: boolean;
  /** With workers: how many, and how they accept. */
  workers?: number;
  accept?: string;
};

const COMPILE_CACHE = join(homedir(), '.cache', 'loopscope');

export type ServerChild = {
  child: ChildProcess;
  ready: ServeReady;
  address: Address;
  /** What a master said of its workers so far. */
  news: string[];
  /** SIGUSR2: the pids of the workers now. */
  pids(): Promise<number[]>;
  /** SIGTERM, then the summary and the exit code. */
  stop(): Promise<{ summary: ServeSummary; code: number | null }>;
  exited: Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startServerChild(options: ChildOptions): Promise<ServerChild> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', fileURLToPath(import.meta.url), JSON.stringify(options)],
    // As bin/loopscope does: workers start in half the time.
    { stdio: ['ignore', 'pipe', 'inherit'], env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env } },
  );
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const news: string[] = [];
  const nextLine = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`the server ended without a word, exit ${await exited}`);
      const said = JSON.parse(value);
      if (said.news === undefined) return said;
      news.push(said.news);
    }
  };
  const ready: ServeReady = await nextLine();
  return {
    child,
    ready,
    address: ready.addresses[0]!,
    news,
    async pids() {
      child.kill('SIGUSR2');
      return await nextLine();
    },
    async stop() {
      child.kill('SIGTERM');
      const summary = await nextLine();
      return { summary, code: await exited };
    },
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** A process that has ended and that nobody has waited for yet does not count. */
export function isAlive(pid: number): boolean {
  const stat = readFileOrNull(`/proc/${pid}/stat`);
  return stat !== null && stat.split(') ').at(-1)![0] !== 'Z';
}

function readFileOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

async function run(): Promise<void> {
  const {
    faults,
    diesWithParent,
    workers,
    accept = 'auto',
    ...rest
  } = JSON.parse(process.argv[2]!) as ChildOptions;
  const controller = new AbortController();
  process.on('SIGTERM', () => controller.abort());
  const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const options = {
    ...rest,
    faults: (faults ?? []).map((text) => parseFault(text)),
    ...(diesWithParent && { parentPid: process.ppid }),
    signal: controller.signal,
  };
  if (workers === undefined) {
    say(await serve({ ...options, onReady: say }));
    return;
  }
  say(
    await serveWithWorkers({
      ...options,
      workers,
      accept,
      onNews: (news) => say({ news }),
      onReady(ready, control) {
        process.on('SIGHUP', () => void control.reload());
        process.on('SIGUSR2', () => say(control.pids()));
        say(ready);
      },
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run();
