/** What is known of a reply beforehand, from its request, and whether it is a good one. */
import { checkParsedReply, type ResponseCheck } from '../../plan/requests/check.ts';
import type { EncodedRequests } from '../../plan/requests/requests.ts';
import { PARSED, type Parsed, type ReplyParser } from '../../wire/codec.ts';
import type { Expectation } from '../flight/expectation.ts';
import { FirstTexts } from './first-texts.ts';

export class ReplyJudge {
  /** False: no reply depends on its request, and expect() need not be called. */
  readonly needsRequest: boolean;
  readonly firstTexts = new FirstTexts();
  readonly #parser: ReplyParser;
  readonly #requests: EncodedRequests;
  readonly #expectation: Expectation | null;
  readonly #checks: readonly (ResponseCheck | null)[];

  constructor(parser: ReplyParser, requests: EncodedRequests, expectation: Expectation | null) {
    this.#expectation = expectation;
    this.#parser = parser;
    this.#requests = requests;
    this.#checks = requests.checks;
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

  /** Bytes [at, end) were fed, and made a reply or none: what a server says of its errors is kept once for each kind. */
  hear(result: Parsed, bytes: Uint8Array, at: number, end: number): void {
    const parser = this.#parser;
    if (result === PARSED.bad) this.firstTexts.hear(parser.problem, bytes, at, end, true);
    else if (parser.wrongReason !== '') {
      this.firstTexts.hear(parser.wrongReason, bytes, at, parser.next, false);
    }
  }

  /** Of the reply just parsed: null when it is good, empty when its status alone says what is wrong. */
  wrongReason(variant: number): string | null {
    const parser = this.#parser;
    if (parser.wrongReason !== '') return parser.wrongReason;
    if (this.#expectation !== null) return this.#expectation.judge(variant, parser);
    const check = this.#checks[this.#requests.kindOf[variant]!]!;
    if (check === null) return parser.status < 400 ? null : '';
    const reason = checkParsedReply(check, parser);
    if (reason !== null) this.firstTexts.hearRefused(reason, parser);
    return reason;
  }
}
