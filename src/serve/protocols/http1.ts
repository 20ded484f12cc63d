import type { EventLoop, SendMemory } from '../../loop/event-loop.ts';
import { PARSED, PROBLEM } from '../../wire/codec.ts';
import { Http1RequestParser } from '../../wire/http1-request.ts';
import type { Responder, ResponderOptions, ServerProtocol } from './protocol.ts';
import { ReplyQueue } from './reply-queue.ts';

/** HTTP/1.1 (RFC 9112): keep-alive, pipelining, bodies read and dropped; one answer to every good request. */
export const http1 = {
  name: 'http',
  summary: 'HTTP/1.1 with keep-alive and pipelining',
  createResponder: (options) => new Http1Responder(options),
} satisfies ServerProtocol;

type Reply = { memory: SendMemory; headerEnd: number; end: number };

class Http1Responder implements Responder {
  readonly counts = { requestCount: 0, badCount: 0, slowReaderCount: 0 };
  readonly #parser: Http1RequestParser;
  readonly #queue: ReplyQueue;
  readonly #onRequest: () => void;
  readonly #maxMessageBytes: number;
  /** Bytes of the message that is arriving, taken in earlier reads. */
  readonly #messageBytes: Float64Array;
  /** Replied for the last time: what still arrives is not read. */
  readonly #ended: Uint8Array;
  readonly #ok: Reply;
  readonly #okLast: Reply;
  readonly #malformed: Reply;
  readonly #bodyTooLong: Reply;
  readonly #headersTooLong: Reply;

  constructor(options: ResponderOptions) {
    const { loop, connectionLimit, maxHeaderBytes, maxBodyBytes } = options;
    this.#parser = new Http1RequestParser({ connectionLimit, maxHeaderBytes });
    this.#queue = new ReplyQueue(loop);
    this.#onRequest = options.onRequest;
    this.#maxMessageBytes = maxHeaderBytes + maxBodyBytes;
    this.#messageBytes = new Float64Array(connectionLimit);
    this.#ended = new Uint8Array(connectionLimit);
    this.#ok = makeReply(loop, '200 OK', options.replyBody, 'keep-alive');
    this.#okLast = makeReply(loop, '200 OK', options.replyBody, 'close');
    this.#malformed = makeReply(loop, '400 Bad Request', text('not a well-formed request\n'), 'close');
    this.#bodyTooLong = makeReply(loop, '413 Content Too Large', text('body too long\n'), 'close');
    this.#headersTooLong = makeReply(
      loop,
      '431 Request Header Fields Too Large',
      text('headers too long\n'),
      'close',
    );
  }

  open(conn: number): void {
    this.#parser.reset(conn);
    this.#messageBytes[conn] = 0;
    this.#ended[conn] = 0;
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
    while (at < end && this.#ended[conn] === 0) at = this.#request(conn, bytes, at, end);
    if (this.#ended[conn] === 0 && !this.#queue.flush(conn)) this.#closedForSlowness(conn);
  }

  /** Takes bytes up to the end of one request and answers it; returns the position after it. */
  #request(conn: number, bytes: Uint8Array, at: number, end: number): number {
    const parser = this.#parser;
    const parsed = parser.feed(conn, bytes, at, end);
    if (parsed === PARSED.bad) {
      const tooLong = parser.problem === PROBLEM.headersTooLong;
      this.#refuse(conn, tooLong ? this.#headersTooLong : this.#malformed);
      return end;
    }
    const next = parser.next;
    const messageBytes = this.#messageBytes[conn]! + next - at;
    if (messageBytes > this.#maxMessageBytes) {
      this.#refuse(conn, this.#bodyTooLong);
      return end;
    }
    if (parsed === PARSED.more) {
      this.#messageBytes[conn] = messageBytes;
      return next;
    }
    this.#messageBytes[conn] = 0;
    this.counts.requestCount++;
    const last = parsed === PARSED.lastMessage;
    const headOnly = parser.method === 'HEAD';
    this.#onRequest();
    if (this.#reply(conn, last ? this.#okLast : this.#ok, headOnly) && last) this.#finish(conn);
    return next;
  }

  #reply(conn: number, reply: Reply, headOnly: boolean): boolean {
    if (this.#queue.add(conn, reply.memory, headOnly ? reply.headerEnd : reply.end)) return true;
    this.#closedForSlowness(conn);
    return false;
  }

  /** A request after which nothing more can be understood: an answer, and the end. */
  #refuse(conn: number, reply: Reply): void {
    this.counts.badCount++;
    if (this.#reply(conn, reply, false)) this.#finish(conn);
  }

  #finish(conn: number): void {
    this.#ended[conn] = 1;
    if (this.#queue.flush(conn)) this.#queue.end(conn);
    else this.#closedForSlowness(conn);
  }

  #closedForSlowness(conn: number): void {
    this.#ended[conn] = 1;
    this.counts.slowReaderCount = this.#queue.slowReaderCount;
  }
}

function text(line: string): Uint8Array {
  return new TextEncoder().encode(line);
}

/** "keep-alive" is said aloud for the sake of HTTP/1.0 clients that asked for it. */
function makeReply(
  loop: EventLoop,
  status: string,
  body: Uint8Array,
  connection: 'keep-alive' | 'close',
): Reply {
  const header = text(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n` +
      `Connection: ${connection}\r\n\r\n`,
  );
  const memory = loop.allocateSendMemory(header.length + body.length);
  memory.bytes.set(header);
  memory.bytes.set(body, header.length);
  return { memory, headerEnd: header.length, end: header.length + body.length };
}
