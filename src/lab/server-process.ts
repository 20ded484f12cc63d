/** A server with faults planted in it, as a child: its own pid, its own loop, ended with us however we end. */
import { startServeChild } from './serve-child.ts';

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

/** Returns when the server listens. Throws what it said when it ends before that. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { program, kind, listen, faults, backend } = options;
  const args = [kind, '--listen', listen, ...faults.flatMap((fault) => ['--fault', fault])];
  if (backend) args.push('--backend', backend);
  const { pid, target, stop } = await startServeChild({
    program,
    args,
    readyWithinMs: 15_000,
    stopWithinMs: 3000,
  });
  return { pid, target, [Symbol.asyncDispose]: stop };
}
