import type { SendMemory } from '../../loop/event-loop.ts';
import { DEFAULT_FRAME_FORMAT, PARSED } from '../../wire/codec.ts';
import { FrameParser, writeFrameHeader } from '../../wire/frame/frame-parser.ts';
import type { ReplyLoop, Responder, ResponderOptions, ServerProtocol } from './protocol.ts';
import { noCounts } from './protocol.ts';
import { ReplyQueue } from './reply-queue.ts';

/** Length-framed messages: every frame is answered with one frame. */
export const frame = {
  name: 'frame',
  summary: 'length-framed messages: 4 bytes of length, big-endian, then the payload',
  createResponder: (options) => new FrameResponder(options),
} satisfies ServerProtocol;

class FrameResponder implements Responder {
  readonly counts = noCounts();
  readonly #loop: ReplyLoop;
  readonly #parser: FrameParser;
  readonly #queue: ReplyQueue;
  readonly #onRequest: () => void;
  readonly #reply: SendMemory;

  constructor({ loop, connectionLimit, maxBodyBytes, onRequest, replyBody }: ResponderOptions) {
    this.#loop = loop;
    this.#parser = new FrameParser({ connectionLimit, maxPayloadBytes: maxBodyBytes });
    this.#queue = new ReplyQueue(loop, this.counts);
    this.#onRequest = onRequest;
    this.#reply = loop.allocateSendMemory(DEFAULT_FRAME_FORMAT.lengthBytes + replyBody.length);
    this.#reply.bytes.set(replyBody, writeFrameHeader(this.#reply.bytes, 0, replyBody.length));
  }

  open(conn: number): void {
    this.#parser.reset(conn);
  }

  closed(conn: number, errno: number): void {
    if (errno === 0) this.#queue.endUnsent(conn);
    else this.#queue.forget(conn);
  }

  isMidRequest(conn: number): boolean {
    return this.#parser.midMessage(conn);
  }

  unsentBytes(conn: number): number {
    return this.#queue.unsentBytes(conn);
  }

  timeOut(conn: number): void {
    this.#close(conn);
  }

  /** The protocol has no word for it: peers stay until they go. */
  leave(): void {}

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
        if (this.#queue.flush(conn)) this.#close(conn);
        return;
      }
      this.counts.requestCount++;
      this.#onRequest();
      if (!this.#queue.add(conn, this.#reply, this.#reply.bytes.length)) return;
    }
    this.#queue.flush(conn);
  }

  #close(conn: number): void {
    this.#queue.forget(conn);
    this.#loop.close(conn);
  }
}
