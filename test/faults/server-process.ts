/** The hostile server's process, seen from the test. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ServerSpec } from './cases.ts';
import type { ServerCounts } from './hostile-connection.ts';
import type { Answer, Order, Where } from './hostile-server.ts';

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  constructor() {
    const path = fileURLToPath(new URL('./hostile-server.ts', import.meta.url));
    this.#child = fork(path, [], { execArgv: ['--disable-warning=ExperimentalWarning'] });
    this.#child.on('message', (answer: Answer) => {
      const seed = 'opened' in answer ? answer.opened : 'closed' in answer ? answer.closed : answer.failed;
      this.#waiting.get(seed)?.(answer);
      this.#waiting.delete(seed);
    });
  }

  async open(spec: ServerSpec, where: Where | null = null): Promise<Where> {
    const answer = await this.#ask(spec.seed, { open: spec, where });
    if ('opened' in answer) return answer.where;
    throw new Error(`the hostile server: ${'message' in answer ? answer.message : 'no answer'}`);
  }

  async close(seed: number): Promise<ServerCounts> {
    const answer = await this.#ask(seed, { close: seed });
    if ('closed' in answer) return answer.counts;
    throw new Error('the hostile server: no counts');
  }

  refuse(seed: number, forMs: number): void {
    this.#child.send({ refuse: seed, forMs } satisfies Order);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  #ask(seed: number, order: Order): Promise<Answer> {
    return new Promise((resolve) => {
      this.#waiting.set(seed, resolve);
      this.#child.send(order);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
