/** What became of every line: nothing that is read goes without a count. */
import { printable } from '../../../base/printable.ts';
import { REFUSAL_MEANING, type Refusal } from '../lines/refusal.ts';
import { FIRST_LINES_TOLD, type LeftOut, type RefusedLines } from '../replay-summary.ts';

const EXAMPLE_BYTES = 400;
const EXAMPLE_LENGTH = 100;

/** Where a line is: an index into the sources, and its number there, from 1. */
export type LinePlace = { source: number; line: number };

export class Account {
  lineCount = 0;
  requestCount = 0;
  readonly #refused = new Map<Refusal, RefusedLines>();
  readonly #leftOut = new Map<LeftOut, number>();

  /** Counts a line that is no request; its text is [start, end) of `bytes`. */
  refuse(reason: Refusal, { source, line }: LinePlace, bytes: Uint8Array, start: number, end: number): void {
    let known = this.#refused.get(reason);
    if (known === undefined) {
      const example = exampleOf(bytes, start, end);
      known = { reason, meaning: REFUSAL_MEANING[reason], count: 0, firstAt: [], example };
      this.#refused.set(reason, known);
    }
    known.count++;
    if (known.firstAt.length < FIRST_LINES_TOLD) known.firstAt.push({ source, line });
  }

  /** Counts requests that were not asked for. */
  leaveOut(why: LeftOut, count = 1): void {
    if (count > 0) this.#leftOut.set(why, (this.#leftOut.get(why) ?? 0) + count);
  }

  /** The most frequent first. */
  refused(): RefusedLines[] {
    return [...this.#refused.values()].sort((a, b) => b.count - a.count);
  }

  leftOut(): { why: LeftOut; count: number }[] {
    return [...this.#leftOut].map(([why, count]) => ({ why, count })).sort((a, b) => b.count - a.count);
  }
}

function exampleOf(bytes: Uint8Array, start: number, end: number): string {
  const text = Buffer.from(bytes.subarray(start, Math.min(end, start + EXAMPLE_BYTES))).toString('utf8');
  return printable(text, EXAMPLE_LENGTH);
}
