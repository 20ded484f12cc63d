/**
 * A server process with bad manners. Messages: { open: ServerSpec, where } listens and answers { opened, where };
 * { close: seed } stops one and answers { closed, counts }; { refuse: seed, forMs } takes its listener and connections
 * away for a while. It ends with its parent.
 */
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createPrng } from '../../src/base/prng.ts';
import type { ServerSpec } from './cases.ts';
import { HostileConnection, type ServerCounts } from './hostile-connection.ts';

export type Where = number | string;
export type Order =
  | { open: ServerSpec; where: Where | null }
  | { close: number }
  | { refuse: number; forMs: number };
export type Answer =
  | { opened: number; where: Where }
  | { closed: number; counts: ServerCounts }
  | { failed: number; message: string };

const RELISTEN_EVERY_MS = 10;

class HostileServer {
  readonly #spec: ServerSpec;
  readonly counts: ServerCounts = { connections: 0, requests: 0, replies: 0, wrongReplies: 0 };
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #isClosed = false;
  where: Where;

  constructor(spec: ServerSpec, where: Where | null) {
    this.#spec = spec;
    this.where = where ?? (spec.socketPath === '' ? 0 : spec.socketPath);
  }

  listen(): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      const prng = createPrng(this.#spec.seed, this.counts.connections);
      new HostileConnection(socket, this.#spec, prng, this.counts);
    });
    const { backlog } = this.#spec;
    const at =
      typeof this.where === 'string'
        ? { path: this.where, backlog }
        : { port: this.where, host: '127.0.0.1', backlog };
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(at, () => {
        server.on('error', () => {});
        const address = server.address();
        this.where = typeof address === 'string' ? address : address!.port;
        this.#server = server;
        resolve();
      });
    });
  }

  async refuse(forMs: number): Promise<void> {
    this.#hangUp();
    await new Promise((resolve) => setTimeout(resolve, forMs));
    await this.listenAgain();
  }

  /** Where it listened before. Somebody else may have the port by now; for how long is not ours to know. */
  async listenAgain(): Promise<void> {
    while (!this.#isClosed) {
      try {
        if (typeof this.where === 'string') rmSync(this.where, { force: true });
        return await this.listen();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RELISTEN_EVERY_MS));
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#hangUp();
  }

  #hangUp(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
  }
}

const servers = new Map<number, HostileServer>();
const answer = (message: Answer) => process.send!(message);

process.on('message', async (order: Order) => {
  if ('open' in order) {
    const { seed } = order.open;
    const server = new HostileServer(order.open, order.where);
    servers.set(seed, server);
    try {
      if (order.where === null) await server.listen();
      else await server.listenAgain();
      answer({ opened: seed, where: server.where });
    } catch (error) {
      answer({ failed: seed, message: String(error) });
    }
  } else if ('refuse' in order) {
    await servers.get(order.refuse)?.refuse(order.forMs);
  } else {
    const server = servers.get(order.close)!;
    servers.delete(order.close);
    server.close();
    answer({ closed: order.close, counts: server.counts });
  }
});
process.on('disconnect', () => process.exit(0));
