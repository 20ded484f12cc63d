import { READ } from '../reading.ts';
import type { Endpoint, Refusal, Way, WayLimits, WayStep, WayTalk } from '../way.ts';
import { METHOD, REPLY, Socks5Messages } from './socks5-messages.ts';
import { methodReply, passwordReply, requestReply } from './socks5-replies.ts';

const REFUSALS: Record<Refusal, number> = {
  'not-authenticated': REPLY.notAllowed,
  'not-allowed': REPLY.notAllowed,
  'no-such-host': REPLY.hostUnreachable,
  'connect-refused': REPLY.refused,
  unreachable: REPLY.networkUnreachable,
  'timed-out': REPLY.ttlExpired,
  'no-upstream': REPLY.failure,
  internal: REPLY.failure,
};

/** A talk of two or three messages, each answered before the next is read, though it may be here already. */
export const socks5 = {
  name: 'socks5',
  summary:
    'SOCKS 5 (RFC 1928), CONNECT alone: an address or a name, with name and password (RFC 1929) if asked for',
  speaksFirst: true,
  begin: ({ asksWho }: WayLimits): WayTalk => new Socks5Talk(asksWho),
} satisfies Way;

class Socks5Talk implements WayTalk {
  readonly #asksWho: boolean;
  readonly #messages: Socks5Messages = new Socks5Messages();

  constructor(asksWho: boolean) {
    this.#asksWho = asksWho;
  }

  step(bytes: Uint8Array, start: number, end: number): WayStep {
    const { phase } = this.#messages;
    const read = this.#messages.read(bytes, start, end);
    if (read === READ.more) return { kind: 'more' };
    if (read === READ.refused) return this.#wrong(`the client sent ${this.#messages.fault}`);
    const consumed = this.#messages.next - start;
    if (phase === 'methods') return this.#agree(consumed);
    if (phase === 'request') return this.#wants(consumed);
    this.#messages.phase = 'request';
    const credentials = this.#messages.credentials!;
    return { kind: 'who', consumed, credentials, accepted: passwordReply(0), refused: passwordReply(1) };
  }

  /** Who has no password to give may still be known by his address: the rules will say. */
  #agree(consumed: number): WayStep {
    const { offersNone, offersPassword } = this.#messages;
    const method = this.#asksWho && offersPassword ? METHOD.password : METHOD.none;
    if (method === METHOD.none && !offersNone) {
      this.#messages.reply = METHOD.noneAcceptable;
      return this.#wrong(`the client offers no method that is taken here`);
    }
    this.#messages.phase = method === METHOD.password ? 'password' : 'request';
    return { kind: 'say', consumed, reply: methodReply(method) };
  }

  #wants(consumed: number): WayStep {
    const { host, port } = this.#messages.target!;
    return {
      kind: 'wants',
      consumed,
      destination: { host: host.text, port },
      credentials: null,
      sni: null,
      established: (local: Endpoint) => requestReply(REPLY.succeeded, local),
      refused: (why) => requestReply(REFUSALS[why], null),
    };
  }

  #wrong(reason: string): WayStep {
    const { phase, reply } = this.#messages;
    if (phase === 'methods') return { kind: 'wrong', reason, reply: methodReply(reply) };
    return {
      kind: 'wrong',
      reason,
      reply: phase === 'password' ? passwordReply(reply) : requestReply(reply, null),
    };
  }
}
