// Goal: what every parser of this room promises, whatever its protocol. Method: the same bytes, cut anywhere, at any
// alignment, on any connection, give the same messages; garbage ends in "bad" or "more", never in an exception.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PARSED, type Parsed } from './codec.ts';

type AnyParser = {
  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed;
  reset(conn: number): void;
  midMessage(conn: number): boolean;
  readonly next: number;
  readonly problem: string;
};

export type ParserContract = {
  name: string;
  create(connectionLimit: number): AnyParser;
  /** What a caller reads of the last message, as text. */
  describe(parser: AnyParser): string;
  /** Streams of whole messages, and how many are in each. */
  streams: fc.Arbitrary<{ bytes: Uint8Array; messageCount: number }>;
};

/** Feeds pieces as a loop would and returns what was found, in words. */
export function parseAll(
  parser: AnyParser,
  conn: number,
  pieces: readonly Uint8Array[],
  describe: (parser: AnyParser) => string,
  pad = 0,
): string[] {
  const found: string[] = [];
  for (const piece of pieces) {
    // The bytes lie somewhere in a larger buffer, and that buffer is overwritten afterwards.
    const buffer = new Uint8Array(pad + piece.length + 5).fill(0xee);
    buffer.set(piece, pad);
    const end = pad + piece.length;
    let at = pad;
    while (at < end) {
      const result = parser.feed(conn, buffer, at, end);
      if (result === PARSED.bad) return [...found, `bad: ${parser.problem}`];
      assert.ok(parser.next > at && parser.next <= end, 'feed() must move on');
      at = parser.next;
      if (result !== PARSED.more) found.push(`${result} ${describe(parser)}`);
      else assert.equal(at, end, '"more" takes everything');
    }
    buffer.fill(0xee);
  }
  return [...found, parser.midMessage(conn) ? 'mid' : 'idle'];
}

/** Cuts at the given positions, in any order and number. */
export function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const place of [...places, bytes.length]) {
    if (place > from) pieces.push(bytes.subarray(from, place));
    from = Math.max(from, place);
  }
  return pieces;
}

export function parserContract(contract: ParserContract): void {
  const cuts = fc.array(fc.nat(5000), { maxLength: 40 });
  const pads = fc.nat(7);

  test(`${contract.name}: any split of the bytes gives the same messages`, () => {
    fc.assert(
      fc.property(contract.streams, cuts, pads, ({ bytes, messageCount }, at, pad) => {
        const parser = contract.create(3);
        const whole = parseAll(parser, 0, [bytes], contract.describe);
        assert.equal(whole.length, messageCount + 1);
        assert.equal(whole.at(-1), 'idle');
        assert.deepEqual(parseAll(parser, 1, cut(bytes, at), contract.describe, pad), whole);
        const bytewise = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
        assert.deepEqual(parseAll(parser, 2, bytewise, contract.describe, 1), whole);
      }),
      { numRuns: 150 },
    );
  });

  test(`${contract.name}: damaged bytes give the same end however they are split, and never throw`, () => {
    const damage = fc.array(fc.tuple(fc.nat(5000), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(contract.streams, damage, cuts, ({ bytes }, changes, at) => {
        const damaged = bytes.slice();
        for (const [place, value] of changes) damaged[place % damaged.length] = value;
        const parser = contract.create(2);
        const whole = parseAll(parser, 0, [damaged], contract.describe);
        assert.deepEqual(parseAll(parser, 1, cut(damaged, at), contract.describe), whole);
      }),
      { numRuns: 400 },
    );
  });

  test(`${contract.name}: garbage never throws`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), cuts, (bytes, at) => {
        const parser = contract.create(2);
        const whole = parseAll(parser, 0, [bytes], contract.describe);
        assert.deepEqual(parseAll(parser, 1, cut(bytes, at), contract.describe), whole);
      }),
      { numRuns: 400 },
    );
  });

  test(`${contract.name}: a reset connection has no memory of what came before`, () => {
    fc.assert(
      fc.property(contract.streams, fc.nat(5000), ({ bytes }, place) => {
        const parser = contract.create(1);
        const whole = parseAll(parser, 0, [bytes], contract.describe);
        parser.reset(0);
        parseAll(parser, 0, [bytes.subarray(0, place % (bytes.length + 1))], contract.describe);
        parser.reset(0);
        assert.equal(parser.midMessage(0), false);
        assert.deepEqual(parseAll(parser, 0, [bytes], contract.describe), whole);
      }),
      { numRuns: 60 },
    );
  });
}
