/** One connection of the hostile server: counts the requests that came whole, and answers each as its fault has it. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prng } from '../../src/base/prng.ts';
import type { Fault, ServerSpec } from './cases.ts';
import { badReply, garbage, type ReplyKind, reply } from './replies.ts';
import { RequestReader } from './request-reader.ts';

/** What the server did, in requests and replies. A reply counts when its last byte was handed to the kernel. */
export type ServerCounts = {
  connections: number;
  requests: number;
  replies: number;
  /** Of these, replies that a check must refuse. */
  wrongReplies: number;
};

const NEVER = new Promise<void>(() => {});

export class HostileConnection {
  readonly #socket: Socket;
  readonly #spec: ServerSpec;
  readonly #prng: Prng;
  readonly #counts: ServerCounts;
  readonly #reader: RequestReader;
  readonly #pending: string[] = [];
  #isPumping = false;

  constructor(socket: Socket, spec: ServerSpec, prng: Prng, counts: ServerCounts) {
    this.#socket = socket;
    this.#spec = spec;
    this.#prng = prng;
    this.#counts = counts;
    this.#reader = new RequestReader(spec.protocol, (letter) => this.#received(letter));
    counts.connections++;
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    const atOnce = this.#meets(['reset-at-once', 'never-reads', 'unasked']);
    if (atOnce === 'reset-at-once') this.#reset();
    if (atOnce === 'unasked') this.#write('good', 'a');
    if (atOnce !== 'never-reads') socket.on('data', (bytes: Buffer) => this.#reader.push(bytes));
  }

  /** A fault of the connection as a whole, by chance, if the case has one. */
  #meets(kinds: Fault[]): Fault | null {
    const { faults, faultShare } = this.#spec;
    const kind = faults.find((fault) => kinds.includes(fault));
    return kind !== undefined && this.#prng.next() < faultShare ? kind : null;
  }

  #received(letter: string): void {
    this.#counts.requests++;
    this.#pending.push(letter);
    if (!this.#isPumping) void this.#pump();
  }

  /** Replies in the order of the requests, each after the one before it. */
  async #pump(): Promise<void> {
    this.#isPumping = true;
    for (let letter = this.#pending.shift(); letter !== undefined; letter = this.#pending.shift()) {
      if (!this.#socket.writable) break;
      const { faults, faultShare } = this.#spec;
      const isFaulty = this.#prng.next() < faultShare;
      await this.#answer(isFaulty ? faults[this.#prng.below(faults.length)]! : 'good', letter);
    }
    this.#isPumping = false;
  }

  async #answer(fault: Fault, letter: string): Promise<void> {
    const { timeoutMs } = this.#spec;
    switch (fault) {
      case 'every-byte':
        return this.#writeInPieces(letter, 1);
      case 'cuts':
        return this.#writeInPieces(letter, 2 + this.#prng.below(40));
      case 'slow':
        await sleep(this.#prng.below(timeoutMs * 0.6));
        return this.#write('good', letter);
      case 'late':
        await sleep(timeoutMs * (1.1 + this.#prng.next() * 0.7));
        return this.#write('good', letter);
      case 'wrong':
      case 'interim':
      case 'chunked':
        return this.#write(fault, letter);
      case 'stall':
        return NEVER;
      case 'reset':
        return this.#reset();
      case 'end':
        return void this.#socket.end();
      case 'twice':
        this.#write('good', letter);
        return this.#write('good', letter);
      case 'close-after':
        this.#write('good', letter);
        return void this.#socket.destroySoon();
      case 'says-close':
        this.#write('says-close', letter);
        return void this.#socket.end();
      case 'says-close-and-stays':
        return this.#write('says-close', letter);
      case 'until-close':
        this.#write('until-close', letter);
        return void this.#socket.end();
      case 'garbage':
        return void this.#socket.write(garbage(this.#spec.protocol, this.#prng));
      case 'good-then-garbage':
        this.#write('good', letter);
        return void this.#socket.write(garbage(this.#spec.protocol, this.#prng));
      case 'half-end':
      case 'half-reset':
      case 'half-stall':
        return this.#half(fault, letter);
      default:
        return this.#write('good', letter);
    }
  }

  #write(kind: ReplyKind, letter: string): void {
    if (!this.#socket.writable) return;
    const isWrong = kind === 'wrong';
    this.#socket.write(isWrong ? badReply(this.#spec, letter) : reply(this.#spec, kind, letter));
    this.#wrote(isWrong);
  }

  #wrote(isWrong: boolean): void {
    this.#counts.replies++;
    if (isWrong) this.#counts.wrongReplies++;
  }

  async #writeInPieces(letter: string, mostBytes: number): Promise<void> {
    const bytes = reply(this.#spec, 'good', letter);
    // A long reply is split everywhere at first, then coarsely: each piece costs a turn of two loops.
    for (let at = 0, n = 0; at < bytes.length; n++) {
      if (!this.#socket.writable) return;
      const length = n < 150 ? 1 + this.#prng.below(mostBytes) : 20_000;
      this.#socket.write(bytes.subarray(at, at + length));
      at += length;
      await new Promise(setImmediate);
    }
    this.#wrote(false);
  }

  async #half(fault: Fault, letter: string): Promise<void> {
    const bytes = reply(this.#spec, 'good', letter);
    this.#socket.write(bytes.subarray(0, this.#prng.below(bytes.length)));
    if (fault === 'half-end') return void this.#socket.end();
    if (fault === 'half-stall') return NEVER;
    await new Promise(setImmediate);
    this.#reset();
  }

  /** RST on TCP. A Unix socket is closed with bytes unread, if there are any, which its peer sees as a reset. */
  #reset(): void {
    if (this.#spec.socketPath === '') this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }
}
