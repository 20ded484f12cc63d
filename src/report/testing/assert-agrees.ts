import assert from 'node:assert/strict';

const LATE_LOOPS = /lost (?!0 %|0 ns)[\d.]+ (%|ns|µs|us|ms|s)\b|\b[1-9][\d ]* stalls? over/;

/** Two things that cannot both be so. */
const PAIRS: readonly [one: RegExp, other: RegExp][] = [
  [/loops were not late(?! beyond)|loops? w(as|ere) on time(?!: )/, LATE_LOOPS],
  [/nothing was lost/, /LOST: /],
  [/, all ok,/, /[1-9]\d* (wrong|error|timeout|unsent|unfinished)\b/],
  [/, none was due,/, /[1-9][\d ]* planned =/],
  [/no reply stood out|no reply stands out/, /replies took up to/],
  [/Self-judgement PASS/, /^(VOID|WARN) |^Self-judgement: (VOID|WARN)/m],
  [/the run ended as planned/, /^Incomplete: /m],
  [/no loop was watched/, /watched (?!no loop)\S+ \d+/],
  [/no connection failed/, /[1-9][\d ]* failed to open/],
];

/** A share that is told more than once under the same name is the same. */
const FIGURES: readonly RegExp[] = [/([\d.e-]+) % failed\b/g, /([\d.e-]+) % of requests failed\b/g];

/** No two sentences of a report in a pipe disagree. */
export function assertAgrees(text: string): void {
  for (const [one, other] of PAIRS) {
    const a = one.exec(text);
    const b = other.exec(text);
    assert.ok(!(a && b), `"${lineOf(text, a)}" and "${lineOf(text, b)}"`);
  }
  const told = FIGURES.flatMap((figure) => [...text.matchAll(figure)].map((match) => match[1]));
  assert.ok(new Set(told).size <= 1, `failed: ${told.join(' % and ')} %`);
}

function lineOf(text: string, match: RegExpExecArray | null): string {
  if (!match) return '';
  const from = text.lastIndexOf('\n', match.index) + 1;
  return text.slice(from, text.indexOf('\n', match.index));
}
