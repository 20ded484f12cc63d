import { type Address, formatAddress } from '../../base/address.ts';
import { ERRNO } from '../../kernel/errno.ts';
import { syscallError } from '../../kernel/syscall-error.ts';
import {
  type EventLoop,
  emptyStats,
  type LoopHandlers,
  type LoopStats,
  type SendMemory,
} from '../../loop/event-loop.ts';

/** A loop without a kernel: the test decides what happens to each connection, and when. */
export class FakeLoop implements EventLoop {
  readonly backend = 'epoll';
  readonly stats: LoopStats = emptyStats();
  /** Requests sent and not yet answered by the test, by connection. */
  readonly unanswered: number[];
  readonly open: Set<number> = new Set();
  readonly connecting: number[] = [];
  sentCount = 0;
  /** Length of one request, when several may be sent as one piece. */
  requestBytes = 0;
  /** What was sent with sendCopy, in order. */
  readonly copied: { conn: number; text: string }[] = [];
  /** Of each connect begun, where to. */
  readonly connectedTo: string[] = [];
  /** Connections that there are descriptors for. */
  descriptorLimit: number = Number.POSITIVE_INFINITY;
  lastWaitNs = 0;
  readonly #handlers: LoopHandlers;
  readonly #limit: number;

  constructor(handlers: LoopHandlers, limit: number) {
    this.#handlers = handlers;
    this.#limit = limit;
    this.unanswered = Array<number>(limit).fill(0);
  }

  get connectionCount(): number {
    return this.open.size + this.connecting.length;
  }

  allocateSendMemory(byteLength: number): SendMemory {
    return { bytes: new Uint8Array(byteLength), address: 0n };
  }

  connect(address?: Address): number {
    if (address !== undefined) this.connectedTo.push(formatAddress(address));
    if (this.connectionCount >= this.descriptorLimit) throw syscallError('socket', ERRNO.EMFILE);
    for (let conn = 0; conn < this.#limit; conn++) {
      if (this.open.has(conn) || this.connecting.includes(conn)) continue;
      this.connecting.push(conn);
      return conn;
    }
    throw new Error('the fake loop is full');
  }

  send(conn: number, _memory: SendMemory, start: number, end: number): boolean {
    if (!this.open.has(conn)) return false;
    const count = this.requestBytes === 0 ? 1 : (end - start) / this.requestBytes;
    this.unanswered[conn]! += count;
    this.sentCount += count;
    return true;
  }

  /** What a relaying loop can do: a driver asks for none of it. */
  setReceiving(): void {}
  askRoom(): void {}
  shutdown(): void {}
  reset(): void {}
  socketOf(): number {
    return -1;
  }

  close(conn: number): void {
    const opening = this.connecting.indexOf(conn);
    if (opening >= 0) this.connecting.splice(opening, 1);
    this.open.delete(conn);
    this.unanswered[conn] = 0;
  }

  /** The first connect under way ends. */
  finishConnect(errno: number): void {
    const conn = this.connecting.shift();
    if (conn === undefined) return;
    if (errno === 0) this.open.add(conn);
    this.#handlers.onConnect(conn, errno);
  }

  deliver(conn: number, bytes: Uint8Array): void {
    if (!this.open.has(conn)) return;
    this.#handlers.onData(conn, bytes, 0, bytes.length);
  }

  peerCloses(conn: number, errno: number): void {
    if (!this.open.has(conn)) return;
    this.#handlers.onClose(conn, errno);
    this.close(conn);
  }

  turnAt(nowNs: number): void {
    this.lastWaitNs = this.#handlers.onTurn(nowNs);
  }

  turn(): void {
    throw new Error('use turnAt');
  }
  listen(): number {
    throw new Error('not needed');
  }
  readonly listenerCount = 0;
  adopt(): number {
    throw new Error('not needed');
  }
  setAccepting(): void {}
  stopListening(): void {}
  listenerAddress(): never {
    throw new Error('not needed');
  }
  sendCopy(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.open.has(conn)) return false;
    this.unanswered[conn]!++;
    this.sentCount++;
    this.copied.push({ conn, text: Buffer.from(bytes.slice(start, end)).toString() });
    return true;
  }
  pendingSendBytes(): number {
    return 0;
  }
  end(conn: number): void {
    this.close(conn);
  }
  [Symbol.dispose](): void {}
}
