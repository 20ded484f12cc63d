/** What is known of a reply beforehand, from its request, and whether it is a good one. */
// Invariants
//  J1  hear(), or hearEnd(), comes before each wrongReason(): what is remembered is of the reply that is judged.
//  J2  A reply costs a store of what it came in, no more, and nothing where only its status is looked at; text is made
//      once for each kind of refusal.
import { checkReply, type ResponseCheck } from '../../plan/requests/check.ts';
import { OwnValuesReader } from '../../plan/requests/own-values.ts';
import type { EncodedRequests } from '../../plan/requests/requests.ts';
import { PARSED, type Parsed, type ReplyParser } from '../../wire/codec.ts';
import type { Expectation } from '../flight/expectation.ts';
import { FirstTexts } from './first-texts.ts';

const EMPTY = new Uint8Array(0);
const LOWEST_BAD_STATUS = 400;
const STATUS_LIMIT = 1000;

export class ReplyJudge {
  /** False: no reply depends on its request, and expect() need not be called. */
  readonly needsRequest: boolean;
  readonly firstTexts = new FirstTexts();
  readonly #parser: ReplyParser;
  readonly #requests: EncodedRequests;
  readonly #expectation: Expectation | null;
  readonly #checks: readonly (ResponseCheck | null)[];
  readonly #hasChecks: boolean;
  readonly #own: OwnValuesReader;
  /** By status, for requests without a check: 1 when its text was kept. */
  readonly #isKnown = new Uint8Array(STATUS_LIMIT);
  /** What the reply to be judged came in, and where in it; empty when it began earlier, or is not remembered. */
  #bytes: Uint8Array = EMPTY;
  #start = 0;

  constructor(parser: ReplyParser, requests: EncodedRequests, expectation: Expectation | null) {
    this.#expectation = expectation;
    this.#parser = parser;
    this.#requests = requests;
    this.#checks = requests.checks;
    this.#hasChecks = requests.checks.some((check) => check !== null);
    this.#own = new OwnValuesReader(requests.ownArena, requests.ownOffsets);
    this.needsRequest =
      expectation !== null || parser.expectRequest !== undefined || requests.noBody.includes(1);
  }

  /** The connection's next reply answers this variant. */
  expect(conn: number, variant: number): void {
    const { noBody, offsets, lengths, arena } = this.#requests;
    if (noBody[variant] === 1) this.#parser.expectNoBody(conn);
    const start = offsets[variant]!;
    this.#parser.expectRequest?.(conn, arena, start, start + lengths[variant]!);
  }

  /**
   * Bytes [at, end) were fed, and made a reply or none: what a server says of its errors is kept once for each kind.
   * `isBegun`: the reply begins at `at`; otherwise only its end is there.
   */
  hear(result: Parsed, bytes: Uint8Array, at: number, end: number, isBegun: boolean): void {
    const parser = this.#parser;
    if (result === PARSED.bad) this.firstTexts.hear(parser.problem, bytes, at, end, isBegun);
    else if (parser.wrongReason !== '') {
      this.firstTexts.hear(parser.wrongReason, bytes, at, parser.next, isBegun);
    } else if (this.#hasChecks || parser.status >= LOWEST_BAD_STATUS) {
      this.#bytes = isBegun ? bytes : EMPTY;
      this.#start = at;
    }
  }

  /** The reply to be judged ended with its connection: where it began is not known. */
  hearEnd(): void {
    this.#bytes = EMPTY;
  }

  /** Of the reply just parsed: null when it is good, empty when its status alone says what is wrong. */
  wrongReason(variant: number): string | null {
    const parser = this.#parser;
    if (parser.wrongReason !== '') return parser.wrongReason;
    if (this.#expectation !== null) return this.#expectation.judge(variant, parser);
    const check = this.#checks[this.#requests.kindOf[variant]!]!;
    if (check !== null) {
      const reason = checkReply(check, parser, this.#own.of(variant));
      if (reason !== null) this.#refused(reason);
      return reason;
    }
    const { status } = parser;
    if (status < LOWEST_BAD_STATUS) return null;
    if (status < STATUS_LIMIT && this.#isKnown[status] === 0 && this.#refused(`status ${status}`)) {
      this.#isKnown[status] = 1;
    }
    return '';
  }

  /** True when the beginning of a reply refused for this is now known. */
  #refused(reason: string): boolean {
    return this.firstTexts.hearRefused(reason, this.#parser, this.#bytes, this.#start, this.#parser.next);
  }
}
