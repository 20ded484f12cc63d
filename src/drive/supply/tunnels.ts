/**
 * Tunnels through a proxy, while they are asked for: CONNECT, and what the proxy answers (RFC 9110 §9.3.6). A connection
 * is open when its tunnel stands; what follows the head of the answer is the target's.
 */
// Invariants
//  N1  A connection is #asked from the end of its connect until its tunnel stands or is given up.
import { printable } from '../../base/printable.ts';
import type { EventLoop } from '../../loop/event-loop.ts';
import { PARSED } from '../../wire/codec.ts';
import { Http1ReplyParser } from '../../wire/http1/http1-reply.ts';

/** What hear() found when it is no place in the bytes. */
export const ANSWER = { goesOn: -1, refused: -2 } as const;

/** Why a tunnel does not stand, beside a status, in the words of the report. */
export const TUNNEL = { closed: 'closed by the proxy', silent: 'no answer from the proxy' } as const;

/** Of a gateway that says so itself: it did not reach the target. RFC 9110 §15.6 */
const TARGET_GONE: ReadonlySet<number> = new Set([502, 503, 504]);
const SAID_LENGTH = 120;
const LOOKED_AT_BYTES = 512;

/** What became of a thread's tunnels. */
export type TunnelTally = {
  opened: number;
  /** Of those: from the end of the connect to the end of the proxy's answer, together and the longest. */
  handshakeNsSum: number;
  handshakeNsMax: number;
  /** Why the first that was refused was: "status 407 from the proxy"; empty when none was. */
  problem: string;
  /** What the proxy said to it: its status line, and how the rest begins; empty when nothing that is text. */
  said: string;
};

/** "status 407 from the proxy": why a tunnel does not stand. */
export function refusedBy(status: number): string {
  return `status ${status} from the proxy`;
}

export class Tunnels {
  readonly tally: TunnelTally = { opened: 0, handshakeNsSum: 0, handshakeNsMax: 0, problem: '', said: '' };
  /** CONNECTs, in bytes: they are no requests of the load. */
  sentBytes = 0;
  /** After hear() found it refused: why, and the status if the proxy could not reach the target, else 0. */
  problem = '';
  goneStatus = 0;
  readonly #request: Uint8Array;
  readonly #parser: Http1ReplyParser;
  readonly #asked: Uint8Array;
  readonly #sinceNs: Float64Array;

  /** `request`: the bytes of CONNECT. */
  constructor(request: Uint8Array, connectionLimit: number) {
    this.#request = request;
    this.#parser = new Http1ReplyParser({ connectionLimit, captureBytes: 1 });
    this.#asked = new Uint8Array(connectionLimit);
    this.#sinceNs = new Float64Array(connectionLimit);
  }

  /** A connection to the proxy. */
  ask(loop: EventLoop, conn: number, nowNs: number): void {
    this.#asked[conn] = 1;
    this.#sinceNs[conn] = nowNs;
    this.#parser.reset(conn);
    // Whatever its fields say, the tunnel begins behind the head. RFC 9112 §6.3
    this.#parser.expectNoBody(conn);
    loop.sendCopy(conn, this.#request, 0, this.#request.length);
    this.sentBytes += this.#request.length;
  }

  isAsked(conn: number): boolean {
    return this.#asked[conn] === 1;
  }

  /** Bytes of the answer, or a part of it: where the target's begin, or one of ANSWER. */
  hear(conn: number, bytes: Uint8Array, start: number, end: number, nowNs: number): number {
    const parser = this.#parser;
    const result = parser.feed(conn, bytes, start, end);
    if (result === PARSED.more) return ANSWER.goesOn;
    if (result === PARSED.bad) {
      this.giveUp(conn, `${parser.problem} from the proxy`, textOf(bytes, start, end));
      return ANSWER.refused;
    }
    if (parser.status >= 300) {
      const [statusLine = ''] = parser.headerText.split(/[\r\n]/, 1);
      const rest = textOf(bytes, parser.next, end);
      this.giveUp(conn, refusedBy(parser.status), rest === '' ? statusLine : `${statusLine} ${rest}`);
      this.goneStatus = TARGET_GONE.has(parser.status) ? parser.status : 0;
      return ANSWER.refused;
    }
    this.#asked[conn] = 0;
    const handshakeNs = nowNs - this.#sinceNs[conn]!;
    const { tally } = this;
    tally.opened++;
    tally.handshakeNsSum += handshakeNs;
    if (handshakeNs > tally.handshakeNsMax) tally.handshakeNsMax = handshakeNs;
    return parser.next;
  }

  /** It will not stand. */
  giveUp(conn: number, problem: string, said = ''): void {
    this.#asked[conn] = 0;
    this.problem = problem;
    this.goneStatus = 0;
    if (this.tally.problem !== '') return;
    this.tally.problem = problem;
    this.tally.said = printable(said, SAID_LENGTH);
  }
}

/** How it begins, on one line; of a page of HTML its words. */
function textOf(bytes: Uint8Array, start: number, end: number): string {
  const piece = Buffer.from(bytes.slice(start, Math.min(end, start + LOOKED_AT_BYTES))).toString('latin1');
  return piece
    .replace(/<[^<>]*>?/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
