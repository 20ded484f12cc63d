/**
 * Clients that have yet to say where they want to go: keeps what they said so far, and drives their way's talk. Heads are
 * few and short beside what follows: what is kept for one is made for it, and dropped at its end.
 */
import type { Address } from '../../../base/address.ts';
import type { Endpoint, Wanted, WayLimits, WayStep, WayTalk } from '../ways/way.ts';

/** Beyond a head's own limit: what one receive may bring behind it. */
const BEHIND_HEAD_BYTES = 131_072;
const FIRST_BYTES = 1024;

export type Head = {
  /** null: it has nothing to say. */
  talk: WayTalk | null;
  bytes: Uint8Array;
  length: number;
  /** As a PROXY header or the socket says. */
  source: Endpoint;
  /** What the client connected to, if a PROXY header says so; null: what the socket says. */
  reached: Endpoint | null;
  user: string | null;
  wanted: Wanted | null;
  /** What it asked for and may have, where its ClientHello has to name the same. */
  promised: { host: string; addresses: readonly Address[] } | null;
};

/** What the driver has to do next with a client. */
export type HeadStep = Exclude<WayStep, { kind: 'say' } | { kind: 'source' }>;

export class ClientHeads {
  readonly #limits: WayLimits;
  readonly #heads = new Map<number, Head>();
  readonly #say: (client: number, bytes: Uint8Array) => void;

  /** `say` sends a client part of an answer. */
  constructor(limits: WayLimits, say: (client: number, bytes: Uint8Array) => void) {
    this.#limits = limits;
    this.#say = say;
  }

  open(client: number, talk: WayTalk | null, source: Endpoint): void {
    const bytes = new Uint8Array(FIRST_BYTES);
    this.#heads.set(client, {
      talk,
      bytes,
      length: 0,
      source,
      reached: null,
      user: null,
      wanted: null,
      promised: null,
    });
  }

  get(client: number): Head | undefined {
    return this.#heads.get(client);
  }

  forget(client: number): void {
    this.#heads.delete(client);
  }

  /** Bytes of a client came; they are kept. False: they are more than may be. */
  add(client: number, bytes: Uint8Array, start: number, end: number): boolean {
    const head = this.#heads.get(client)!;
    const length = head.length + (end - start);
    if (length > this.#limits.headBytes + BEHIND_HEAD_BYTES) return false;
    if (length > head.bytes.length) {
      const grown = new Uint8Array(Math.max(length, head.bytes.length * 4));
      grown.set(head.bytes.subarray(0, head.length));
      head.bytes = grown;
    }
    head.bytes.set(bytes.subarray(start, end), head.length);
    head.length = length;
    return true;
  }

  /** Goes on with the talk as far as it comes by itself. */
  step(client: number): HeadStep {
    const head = this.#heads.get(client)!;
    for (;;) {
      const step = head.talk!.step(head.bytes, 0, head.length);
      if (step.kind === 'more') {
        if (head.length <= this.#limits.headBytes) return step;
        return { kind: 'wrong', reason: 'head too long', reply: new Uint8Array(0) };
      }
      if (step.kind === 'wrong') return step;
      head.bytes.copyWithin(0, step.consumed, head.length);
      head.length -= step.consumed;
      if (step.kind === 'wants') {
        head.wanted = step;
        return step;
      }
      if (step.kind === 'who') return step;
      if (step.kind === 'say') this.#say(client, step.reply);
      else if (step.source) {
        head.source = step.source;
        head.reached = step.destination;
      }
    }
  }
}
