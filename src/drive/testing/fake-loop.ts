import type { EventLoop, LoopHandlers, SendMemory } from '../../loop/event-loop.ts';

/** A loop without a kernel: the test decides what happens to each connection, and when. */
export class FakeLoop implements EventLoop {
  readonly backend = 'epoll';
  readonly stats = {
    waitCount: 0,
    eventCount: 0,
    systemCallCount: 0,
    spinNs: 0,
    acceptCount: 0,
    shortageCount: 0,
  };
  /** Requests sent and not yet answered by the test, by connection. */
  readonly unanswered: number[];
  readonly open: Set<number> = new Set();
  readonly connecting: number[] = [];
  sentCount = 0;
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

  connect(): number {
    for (let conn = 0; conn < this.#limit; conn++) {
      if (this.open.has(conn) || this.connecting.includes(conn)) continue;
      this.connecting.push(conn);
      return conn;
    }
    throw new Error('the fake loop is full');
  }

  send(conn: number): boolean {
    if (!this.open.has(conn)) return false;
    this.unanswered[conn]!++;
    this.sentCount++;
    return true;
  }

  close(conn: number): void {
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
  listenerAddress(): never {
    throw new Error('not needed');
  }
  sendCopy(): boolean {
    return false;
  }
  pendingSendBytes(): number {
    return 0;
  }
  end(conn: number): void {
    this.close(conn);
  }
  [Symbol.dispose](): void {}
}
