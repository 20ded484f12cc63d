/** A server in a process of its own, for tests: run as a script with its options in argv, as JSON. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Address } from '../../base/address.ts';
import { parseFault } from '../faults/spec.ts';
import { type ServeOptions, type ServeReady, type ServeSummary, serve } from '../serve.ts';

type ChildOptions = Pick<
  ServeOptions,
  'protocol' | 'listen' | 'backend' | 'maxHeaderBytes' | 'maxBodyBytes' | 'connectionLimit'
> & { faults?: string[]; replyText?: string; diesWithParent?: boolean };

export type ServerChild = {
  child: ChildProcess;
  ready: ServeReady;
  address: Address;
  /** SIGTERM, then the summary and the exit code. */
  stop(): Promise<{ summary: ServeSummary; code: number | null }>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startServerChild(options: ChildOptions): Promise<ServerChild> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', fileURLToPath(import.meta.url), JSON.stringify(options)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const nextLine = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the server ended without a word, exit ${await exited}`);
    return JSON.parse(value);
  };
  const ready: ServeReady = await nextLine();
  return {
    child,
    ready,
    address: ready.addresses[0]!,
    async stop() {
      child.kill('SIGTERM');
      const summary = await nextLine();
      return { summary, code: await exited };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { faults, replyText, diesWithParent, ...rest }: ChildOptions = JSON.parse(process.argv[2]!);
  const controller = new AbortController();
  process.on('SIGTERM', () => controller.abort());
  const summary = await serve({
    ...rest,
    faults: (faults ?? []).map((text) => parseFault(text)),
    ...(replyText !== undefined && { replyBody: new TextEncoder().encode(replyText) }),
    ...(diesWithParent && { parentPid: process.ppid }),
    signal: controller.signal,
    onReady: (ready) => process.stdout.write(`${JSON.stringify(ready)}\n`),
  });
  process.stdout.write(`${JSON.stringify(summary)}\n`);
}
