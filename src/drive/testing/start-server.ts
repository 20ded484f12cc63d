import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type FaultServer = {
  readonly pid: number;
  /** As a target: http://127.0.0.1:PORT/, tcp://…, unix:PATH or unix+http:PATH. */
  readonly target: string;
  counts(): Promise<{ requestCount: number; connectionCount: number }>;
  signal(name: NodeJS.Signals): void;
  [Symbol.asyncDispose](): Promise<void>;
};

export type FaultServerOptions = {
  protocol?: 'http' | 'frame';
  fault?: string;
  /** Each n-th request meets the fault. */
  every?: number;
  socketPath?: string;
};

/** Starts fault-server.ts as a process of its own; it ends with the test. */
export async function startServer(options: FaultServerOptions = {}): Promise<FaultServer> {
  const { protocol = 'http', fault = 'none', every = 1, socketPath = '' } = options;
  const child: ChildProcess = fork(
    fileURLToPath(new URL('./fault-server.ts', import.meta.url)),
    [protocol, fault, String(every), socketPath],
    { execArgv: ['--disable-warning=ExperimentalWarning'] },
  );
  const [{ where }] = (await once(child, 'message')) as [{ where: string | number }];
  const tcp = protocol === 'http' ? `http://127.0.0.1:${where}/` : `tcp://127.0.0.1:${where}`;
  const unix = protocol === 'http' ? `unix+http:${where}` : `unix:${where}`;
  return {
    pid: child.pid!,
    target: socketPath === '' ? tcp : unix,
    async counts() {
      const answer = once(child, 'message');
      child.send({});
      const [counts] = (await answer) as [{ requestCount: number; connectionCount: number }];
      return counts;
    },
    signal: (name) => void child.kill(name),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
