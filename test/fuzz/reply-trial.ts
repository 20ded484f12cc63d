/**
 * One input, parsed whole and in pieces: the same replies must come out, in a bounded number of calls, and without an
 * exception. Numbers instead of texts, so that ten million trials take minutes.
 */
import { PARSED, type ReplyParser } from '../../src/wire/codec.ts';
import { Http1ReplyParser } from '../../src/wire/http1/http1-reply.ts';
import { MAX_INPUT_BYTES, ReplyInputs } from './reply-input.ts';

/** Small limits, so that inputs reach them. */
const LIMITS = { maxHeaderBytes: 512, maxHeaderCount: 24 };
const CAPTURE_BYTES = 16;
const MAX_PIECES = 12;
const FRESH_EVERY = 64;
/** Three numbers for each feed() that found something. */
const MAX_RESULTS = 3 * MAX_INPUT_BYTES + 3;

export class ReplyTrial {
  readonly inputs = new ReplyInputs();
  readonly #plain = createParser(false);
  readonly #capturing = createParser(true);
  readonly #buffer = new Uint8Array(MAX_INPUT_BYTES + 16);
  readonly #whole = new Float64Array(MAX_RESULTS);
  readonly #pieces = new Float64Array(MAX_RESULTS);
  readonly #cuts = new Int32Array(MAX_PIECES);

  /** Null when the input of this seed is handled as it should be, else what went wrong. */
  run(seed: number): string | null {
    const { inputs } = this;
    inputs.make(seed);
    const parser = (seed & 1) === 0 ? this.#plain : this.#capturing;
    const noBody = inputs.below(8) === 0;
    try {
      const cutCount = this.#chooseCuts();
      this.#cuts[0] = inputs.length;
      // What one connection brought must not change how another is read, nor the next reply on the same.
      const primer = inputs.below(4);
      if (primer < 2) this.#parse(parser, 0, 1, primer, primer === 0 ? noBody : !noBody, this.#whole);
      const whole = this.#parse(parser, 0, 1, 0, noBody, this.#whole);
      if (whole < 0) return 'feed() neither moved on nor stopped';
      this.#spreadCuts(cutCount);
      // Now and then by a parser without a past: what never came to an end in the other would show in both ways.
      const fresh = seed % FRESH_EVERY < 2;
      const other = fresh ? createParser(parser === this.#capturing) : parser;
      const pieces = this.#parse(other, 1, cutCount, inputs.below(4), noBody, this.#pieces);
      if (pieces < 0) return 'feed() neither moved on nor stopped, in pieces';
      if (whole !== pieces) return `${whole / 3} results whole, ${pieces / 3} in pieces`;
      for (let i = 0; i < whole; i++) {
        if (this.#whole[i] !== this.#pieces[i]) return `result ${Math.floor(i / 3)} differs in pieces`;
      }
      return null;
    } catch (error) {
      return `threw ${String((error as Error).stack ?? error)}`;
    }
  }

  /** One to MAX_PIECES pieces; now and then every byte alone (0). */
  #chooseCuts(): number {
    return this.inputs.below(16) === 0 ? 0 : 2 + this.inputs.below(MAX_PIECES - 1);
  }

  #spreadCuts(count: number): void {
    const { inputs } = this;
    const cuts = this.#cuts;
    for (let i = 0; i < count - 1; i++) cuts[i] = inputs.length === 0 ? 0 : inputs.below(inputs.length);
    cuts[count - 1] = inputs.length;
    // Insertion sort: there are few.
    for (let i = 1; i < count; i++) {
      for (let j = i; j > 0 && cuts[j - 1]! > cuts[j]!; j--) {
        const held = cuts[j]!;
        cuts[j] = cuts[j - 1]!;
        cuts[j - 1] = held;
      }
    }
  }

  /** Parses as a loop would and writes down what was found. How many numbers, or −1 when it does not come to an end. */
  #parse(
    parser: ReplyParser,
    conn: number,
    pieceCount: number,
    pad: number,
    noBody: boolean,
    results: Float64Array,
  ): number {
    const { inputs } = this;
    const buffer = this.#buffer;
    parser.reset(conn);
    if (noBody) parser.expectNoBody(conn);
    let count = 0;
    let from = 0;
    for (let piece = 0; from < inputs.length; piece++) {
      const to = pieceCount === 0 ? from + 1 : this.#cuts[piece]!;
      // Elsewhere in a buffer that is overwritten afterwards, as receive buffers are.
      buffer.fill(0x2a);
      for (let i = from; i < to; i++) buffer[pad + i - from] = inputs.bytes[i]!;
      const end = pad + to - from;
      for (let at = pad; at < end; at = parser.next) {
        const parsed = parser.feed(conn, buffer, at, end);
        if (parsed === PARSED.bad) {
          results[count] = -1;
          results[count + 1] = hashText(parser.problem);
          results[count + 2] = 0;
          return count + 3;
        }
        if (parser.next <= at || parser.next > end) return -1;
        if (parsed === PARSED.more) {
          if (parser.next !== end) return -1;
          break;
        }
        count = this.#note(parser, parsed, results, count);
      }
      from = to;
    }
    const midMessage = parser.midMessage(conn);
    const ended = parser.endOfStream(conn);
    if (ended === PARSED.lastMessage) return this.#note(parser, ended, results, count);
    results[count] = -2;
    results[count + 1] = midMessage ? 1 : 0;
    results[count + 2] = ended;
    return count + 3;
  }

  #note(parser: ReplyParser, parsed: number, results: Float64Array, count: number): number {
    results[count] = parsed;
    results[count + 1] = parser.status;
    // Both are empty in a parser that captures nothing.
    let hash = hashText(parser.headerText);
    for (const byte of parser.body) hash = (Math.imul(hash, 31) + byte) | 0;
    results[count + 2] = hash;
    return count + 3;
  }
}

function createParser(captures: boolean): Http1ReplyParser {
  return new Http1ReplyParser({
    connectionLimit: 2,
    ...LIMITS,
    captureBytes: captures ? CAPTURE_BYTES : 0,
  });
}

function hashText(text: string): number {
  let hash = text.length;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}
