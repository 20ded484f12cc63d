import { PathTable } from '../http/path-table.ts';
import { DateClock, Reply } from '../http/reply.ts';
import { GOT, RequestReader, ROUTE_SERVER } from '../http/request-reader.ts';
import type { Responder, ResponderOptions, ServerProtocol } from './protocol.ts';
import { noCounts } from './protocol.ts';
import { ReplyQueue } from './reply-queue.ts';

/** HTTP/1.1 (RFC 9112): keep-alive, pipelining, bodies read and dropped; fixed answers by path. */
export const http1 = {
  name: 'http',
  summary: 'HTTP/1.1 with keep-alive and pipelining, fixed answers by path',
  createResponder: (options) => new Http1Responder(options),
} satisfies ServerProtocol;

const TEXT = 'text/plain; charset=utf-8';
const CONTINUE = new TextEncoder().encode('HTTP/1.1 100 Continue\r\n\r\n');

/** What a refused request is told, by status. */
const REASONS: Record<number, string> = {
  400: 'not a well-formed request',
  404: 'no such path here',
  408: 'the request took too long to arrive',
  413: 'body too long',
  414: 'request target too long',
  417: 'expectation not understood',
  431: 'headers too long',
  501: 'method or transfer coding not implemented',
  503: 'too many unfinished requests',
  505: 'HTTP/1.0 and HTTP/1.1 are spoken here',
};

class Http1Responder implements Responder {
  readonly counts = noCounts();
  readonly #reader: RequestReader;
  readonly #queue: ReplyQueue;
  readonly #onRequest: () => void;
  readonly #clock = new DateClock();
  /** Replied for the last time: what still arrives is not read. */
  readonly #ended: Uint8Array;
  readonly #routes: Reply[];
  readonly #refusals = new Map<number, Reply>();
  readonly #notFound: Reply;
  readonly #aboutServer: Reply;
  #leaving = false;

  constructor(options: ResponderOptions) {
    const { loop, connectionLimit, maxHeaderBytes, maxBodyBytes, routes, replyBody } = options;
    const paths = new PathTable(routes.length > 0 ? routes.map(({ path }) => path) : ['*']);
    this.#reader = new RequestReader({ connectionLimit, maxHeaderBytes, maxBodyBytes, paths });
    this.#queue = new ReplyQueue(loop, this.counts);
    this.#onRequest = options.onRequest;
    this.#ended = new Uint8Array(connectionLimit);
    this.#routes =
      routes.length > 0
        ? routes.map((route) => {
            const body = new Uint8Array(Buffer.from(route.body64, 'base64'));
            return new Reply(loop, route.status, route.contentType, body);
          })
        : [new Reply(loop, 200, TEXT, replyBody)];
    for (const [status, reason] of Object.entries(REASONS)) {
      const body = new TextEncoder().encode(`${reason}\n`);
      this.#refusals.set(Number(status), new Reply(loop, Number(status), TEXT, body));
    }
    this.#notFound = this.#refusals.get(404)!;
    const allow = 'Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n';
    this.#aboutServer = new Reply(loop, 204, '', new Uint8Array(0), allow);
  }

  open(conn: number): void {
    this.#reader.reset(conn);
    this.#ended[conn] = 0;
  }

  closed(conn: number, errno: number): void {
    this.#reader.reset(conn);
    if (errno === 0) this.#queue.endUnsent(conn);
    else this.#queue.forget(conn);
  }

  isMidRequest(conn: number): boolean {
    return this.#reader.isMidRequest(conn);
  }

  unsentBytes(conn: number): number {
    return this.#queue.unsentBytes(conn);
  }

  timeOut(conn: number): void {
    if (this.#ended[conn] === 0) this.#refuse(conn, 408, this.#reader.asksWithHead(conn));
  }

  leave(): void {
    this.#leaving = true;
  }

  turn(nowNs: number): boolean {
    this.#clock.update(nowNs);
    return this.#queue.hasWaiting && this.#queue.turn();
  }

  data(conn: number, bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader;
    let at = start;
    while (at < end && this.#ended[conn] === 0) {
      const got = reader.feed(conn, bytes, at, end);
      if (got === GOT.request) {
        at = reader.next;
        this.#answer(conn, at === end);
        continue;
      }
      if (got === GOT.refused) {
        this.counts.badCount++;
        this.#refuse(conn, reader.status, reader.isHeadMethod);
        return;
      }
      // §10.1.1 of RFC 9110: the client waits for a word before it sends the body. It goes after earlier replies.
      if (got === GOT.wantsContinue && this.#queue.flush(conn)) {
        this.#queue.sendBytes(conn, CONTINUE, 0, CONTINUE.length);
      }
      break;
    }
    if (this.#ended[conn] === 0 && !this.#queue.flush(conn)) this.#end(conn);
  }

  /**
   * isNewest: nothing behind it has arrived. A server that leaves still answers what has; after the reply that says
   * "close" it may answer nothing (§9.6).
   */
  #answer(conn: number, isNewest: boolean): void {
    const { route, isHeadMethod, closes } = this.#reader;
    this.counts.requestCount++;
    this.#onRequest();
    const reply =
      route >= 0 ? this.#routes[route]! : route === ROUTE_SERVER ? this.#aboutServer : this.#notFound;
    const last = closes || (this.#leaving && isNewest);
    const copy = reply.at(this.#clock, last);
    if (!this.#queue.add(conn, copy.memory, isHeadMethod ? copy.headerEnd : copy.end)) this.#end(conn);
    else if (last) this.#finish(conn);
  }

  /** A request after which nothing more can be understood: an answer, and the end. */
  #refuse(conn: number, status: number, isHead: boolean): void {
    const copy = this.#refusals.get(status)!.at(this.#clock, true);
    if (this.#queue.add(conn, copy.memory, isHead ? copy.headerEnd : copy.end)) this.#finish(conn);
    else this.#end(conn);
  }

  #finish(conn: number): void {
    if (this.#queue.flush(conn)) this.#queue.end(conn);
    this.#end(conn);
  }

  /** Nothing more is read of it. */
  #end(conn: number): void {
    this.#ended[conn] = 1;
    this.#reader.reset(conn);
  }
}
