import type { SendMemory } from '../../loop/event-loop.ts';
import { DEFAULT_FRAME_FORMAT, PARSED } from '../../wire/codec.ts';
import { FrameParser, writeFrameHeader } from '../../wire/frame-parser.ts';
import type { Responder, ResponderOptions, ServerProtocol } from './protocol.ts';
import { ReplyQueue } from './reply-queue.ts';

/** Length-framed messages: every frame is answered with one frame. */
export const frame = {
  name: 'frame',
  summary: 'length-framed messages: 4 bytes of length, big-endian, then the payload',
  createResponder: (options) => new FrameResponder(options),
} satisfies ServerProtocol;

class FrameResponder implements Responder {
  readonly counts = { requestCount: 0, badCount: 0, slowReaderCount: 0 };
  readonly #parser: FrameParser;
  readonly #queue: ReplyQueue;
  readonly #onRequest: () => void;
  readonly #reply: SendMemory;
  readonly #close: (conn: number) => void;

  constructor({ loop, connectionLimit, maxBodyBytes, onRequest, replyBody }: ResponderOptions) {
    this.#parser = new FrameParser({ connectionLimit, maxPayloadBytes: maxBodyBytes });
    this.#queue = new ReplyQueue(loop);
    this.#onRequest = onRequest;
    this.#close = (conn) => {
      this.#queue.forget(conn);
      loop.close(conn);
    };
    this.#reply = loop.allocateSendMemory(DEFAULT_FRAME_FORMAT.lengthBytes + replyBody.length);
    this.#reply.bytes.set(replyBody, writeFrameHeader(this.#reply.bytes, 0, replyBody.length));
  }

  open(conn: number): void {
    this.#parser.reset(conn);
  }

  closed(conn: number): void {
    this.#queue.forget(conn);
  }

  isBusy(conn: number): boolean {
    return this.#parser.midMessage(conn) || this.#queue.isWaiting(conn);
  }

  turn(): boolean {
    return this.#queue.hasWaiting && this.#queue.turn();
  }

  data(conn: number, bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      const parsed = this.#parser.feed(conn, bytes, at, end);
      at = this.#parser.next;
      if (parsed === PARSED.more) break;
      if (parsed === PARSED.bad) {
        // A length out of bounds: nothing after it can be told apart. Earlier replies still go out.
        this.counts.badCount++;
        if (this.#flush(conn)) this.#close(conn);
        return;
      }
      this.counts.requestCount++;
      this.#onRequest();
      if (!this.#queue.add(conn, this.#reply, this.#reply.bytes.length)) {
        this.#noteSlowReader();
        return;
      }
    }
    this.#flush(conn);
  }

  #flush(conn: number): boolean {
    const sent = this.#queue.flush(conn);
    if (!sent) this.#noteSlowReader();
    return sent;
  }

  #noteSlowReader(): void {
    this.counts.slowReaderCount = this.#queue.slowReaderCount;
  }
}
