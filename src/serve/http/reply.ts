/** Fixed HTTP replies in send memory, complete but for the second of their Date. */
// Invariants
//  P1  A copy that may still be on its way is not written: there are two, used in turn, and one rests for a second at
//      least before its Date changes. A reply that waits longer than that goes out with a newer one; of one that the
//      kernel took in part, the head is gone by then.
import type { SendMemory } from '../../loop/event-loop.ts';
import type { ReplyLoop } from '../protocols/protocol.ts';

// Not imported: a module of its own reads every export of node:http, and so loads a WebSocket client, 60 ms.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

export type ReplyCopy = { memory: SendMemory; headerEnd: number; end: number };

type Pair = [ReplyCopy, ReplyCopy];

const DATE = 'Date: ';
/** Of an IMF-fixdate (RFC 9110 §5.6.7), always. */
const DATE_BYTES = 29;
const encode = (text: string) => new TextEncoder().encode(text);

export class Reply {
  readonly #keepAlive: Pair;
  readonly #closing: Pair;
  readonly #dateAt: number;
  #second = -1;
  #current = 0;

  constructor(loop: ReplyLoop, status: number, contentType: string, body: Uint8Array, extra = '') {
    const start = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${DATE}`;
    this.#dateAt = start.length;
    // RFC 9110 §8.6, §15.4.5: a 204 has no length, and neither it nor a 304 has a body.
    const bodiless = status === 204 || status === 304;
    const shown = bodiless ? new Uint8Array(0) : body;
    const about = bodiless ? '' : `Content-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n`;
    const make = (connection: string): ReplyCopy => {
      const header = encode(
        `${start}${' '.repeat(DATE_BYTES)}\r\n${about}${extra}Connection: ${connection}\r\n\r\n`,
      );
      const memory = loop.allocateSendMemory(header.length + shown.length);
      memory.bytes.set(header);
      memory.bytes.set(shown, header.length);
      return { memory, headerEnd: header.length, end: header.length + shown.length };
    };
    // Said aloud for the sake of HTTP/1.0 clients that asked for it.
    this.#keepAlive = [make('keep-alive'), make('keep-alive')];
    this.#closing = [make('close'), make('close')];
  }

  /** The bytes to send in that second of the clock. */
  at(clock: DateClock, closes: boolean): ReplyCopy {
    if (this.#second !== clock.second) {
      this.#second = clock.second;
      this.#current ^= 1;
      this.#keepAlive[this.#current]!.memory.bytes.set(clock.text, this.#dateAt);
      this.#closing[this.#current]!.memory.bytes.set(clock.text, this.#dateAt);
    }
    return (closes ? this.#closing : this.#keepAlive)[this.#current]!;
  }
}

/** The system's clock is asked for the second at most so often: a Date may be so much behind. */
const LOOK_EVERY_NS = 20e6;

/** The Date of replies: written once a second. */
export class DateClock {
  second = 0;
  text: Uint8Array = new Uint8Array(DATE_BYTES);
  #nextLookNs = Number.NEGATIVE_INFINITY;

  constructor() {
    this.update(Number.NEGATIVE_INFINITY);
  }

  /** Once a cycle, with the loop's time. */
  update(nowNs: number): void {
    if (nowNs < this.#nextLookNs) return;
    this.#nextLookNs = nowNs + LOOK_EVERY_NS;
    const second = Math.floor(Date.now() / 1000);
    if (second === this.second) return;
    this.second = second;
    this.text = encode(new Date(second * 1000).toUTCString());
  }
}
