import type { Responder, ResponderOptions, ServerProtocol } from './protocol.ts';
import { noCounts } from './protocol.ts';
import { ReplyQueue } from './reply-queue.ts';

/** RFC 862: every byte comes back. A request, for counts and faults, is what one receive brought. */
export const echo = {
  name: 'echo',
  summary: 'every byte comes back (RFC 862)',
  createResponder: (options) => new EchoResponder(options),
} satisfies ServerProtocol;

class EchoResponder implements Responder {
  readonly counts = noCounts();
  readonly #queue: ReplyQueue;
  readonly #onRequest: () => void;

  constructor({ loop, onRequest }: ResponderOptions) {
    this.#queue = new ReplyQueue(loop, this.counts);
    this.#onRequest = onRequest;
  }

  open(): void {}

  closed(conn: number, errno: number): void {
    if (errno === 0) this.#queue.endUnsent(conn);
    else this.#queue.forget(conn);
  }

  isMidRequest(): boolean {
    return false;
  }

  unsentBytes(conn: number): number {
    return this.#queue.unsentBytes(conn);
  }

  /** Never called: no request is ever half here. */
  timeOut(): void {}

  /** The protocol has no word for it: peers stay until they go. */
  leave(): void {}

  turn(): boolean {
    return this.#queue.hasWaiting && this.#queue.turn();
  }

  data(conn: number, bytes: Uint8Array, start: number, end: number): void {
    this.counts.requestCount++;
    this.#onRequest();
    this.#queue.sendBytes(conn, bytes, start, end);
  }
}
