/** Clients and an upstream around a proxy; runs cases through it and says what did not hold. */
import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type FlowCase, flowCaseOf } from './flow-cases.ts';
import { playSide, type SideResult } from './flow-side.ts';
import { FlowStream } from './flow-stream.ts';

const CASE_MS = 30_000;
const HEAD_BYTES = 4;

type Under = { case_: FlowCase; up: Streams; down: Streams; upstreamDone(result: SideResult): void };
type Streams = { sent: FlowStream; received: FlowStream };

export class FlowRig {
  readonly #server: Server;
  readonly #under = new Map<number, Under>();
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Listens where a proxy's upstream is. */
  static async listen(port: number = 0): Promise<FlowRig> {
    const rig = new FlowRig();
    await new Promise<void>((resolve) => rig.#server.listen(port, '127.0.0.1', resolve));
    return rig;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** Runs the cases of these seeds through the proxy at `port`, some at once. */
  async run(port: number, seeds: readonly number[], atOnce: number): Promise<void> {
    const left = [...seeds];
    const runner = async () => {
      for (let seed = left.shift(); seed !== undefined; seed = left.shift()) await this.#runCase(port, seed);
    };
    await Promise.all(Array.from({ length: atOnce }, runner));
  }

  async #runCase(port: number, seed: number): Promise<void> {
    const case_ = flowCaseOf(seed);
    const streams = (salt: number) => {
      return { sent: new FlowStream(seed * 2 + salt), received: new FlowStream(seed * 2 + salt) };
    };
    const [up, down] = [streams(0), streams(1)];
    const upstreamEnd = new Promise<SideResult>((resolve) => {
      this.#under.set(seed, { case_, up, down, upstreamDone: resolve });
    });
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(seed);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.#sockets.add(socket.once('close', () => this.#sockets.delete(socket)));
    const clientEnd = playSide(socket, case_.client, up.sent, down.received, head);
    const late = new AbortController();
    const timeout = delay(CASE_MS, null, { signal: late.signal }).catch(() => null);
    const ends = await Promise.race([Promise.all([clientEnd, upstreamEnd]), timeout]);
    late.abort();
    const tell = (what: string) =>
      `seed ${seed}, ${case_.kind}: ${what}; up ${up.received.byteCount} of ${up.sent.byteCount}, ` +
      `down ${down.received.byteCount} of ${down.sent.byteCount}; ${JSON.stringify({ case_, ends })}`;
    assert.ok(ends, tell('does not come to an end'));
    check(case_, up, down, ends, tell);
    this.#under.delete(seed);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket.once('close', () => this.#sockets.delete(socket)));
    socket.on('error', () => {});
    let head = Buffer.alloc(0);
    socket.on('data', function onHead(bytes) {
      head = Buffer.concat([head, bytes as Buffer]);
      if (head.length < HEAD_BYTES) return;
      socket.off('data', onHead);
      start(head.readUInt32BE(0), head.subarray(HEAD_BYTES));
    });
    const start = (seed: number, first: Buffer) => {
      const { case_, up, down, upstreamDone } = this.#under.get(seed)!;
      up.received.check(first);
      playSide(socket, case_.upstream, down.sent, up.received).then(upstreamDone);
    };
  }
}

function check(
  case_: FlowCase,
  up: Streams,
  down: Streams,
  [client, upstream]: [SideResult, SideResult],
  tell: (what: string) => string,
): void {
  assert.ok(up.received.isPrefix && down.received.isPrefix, tell('other bytes came than were sent'));
  if (case_.kind.endsWith('resets')) {
    const other = case_.kind.startsWith('client') ? upstream : client;
    assert.match(other.error, /ECONNRESET|EPIPE/, tell('the reset was not passed on'));
    return;
  }
  assert.equal(up.received.digest(), up.sent.digest(), tell('the upstream got other bytes'));
  assert.equal(down.received.digest(), down.sent.digest(), tell('the client got other bytes'));
  assert.equal(up.sent.byteCount, case_.client.sendBytes, tell('the client sent it all'));
  assert.equal(down.sent.byteCount, case_.upstream.sendBytes, tell('the upstream sent it all'));
  assert.deepEqual([client, upstream], [CLEAN, CLEAN], tell('an end was not passed on as one'));
}

const CLEAN: SideResult = { sawEnd: true, error: '' };
