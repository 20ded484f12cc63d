import { PARSED, type Parsed, PROBLEM, type ReplyParser } from '../codec.ts';

/** What parsers have in common whose replies tell their own end: neither the connection's end nor the request does. */
export abstract class SelfDelimiting implements ReplyParser {
  next = 0;
  readonly status = 0;
  readonly headerText = '';
  wrongReason = '';
  problem = '';

  abstract feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed;
  abstract midMessage(conn: number): boolean;
  abstract reset(conn: number): void;
  abstract get body(): Uint8Array;

  endOfStream(conn: number): Parsed {
    return this.midMessage(conn) ? this.bad(PROBLEM.truncated) : PARSED.more;
  }

  /** HTTP alone has such replies. */
  expectNoBody(): void {}

  protected bad(problem: string): Parsed {
    this.problem = problem;
    return PARSED.bad;
  }
}
