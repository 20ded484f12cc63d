/** For tests that ask for a verdict on a real machine, which others use too: one answer lost to them proves nothing. */
import { AssertionError } from 'node:assert';
import type { TestContext } from 'node:test';
import { untilQuiet } from '../fixtures/quiet.ts';

const TRIES = 3;
const CALM_MS = 10_000;

/**
 * Calls `ask` until it does not fail an assertion, three times at most, and returns what it returned. Each wrong answer is
 * kept and printed; only three wrong ones fail, and then all are told. Any other error fails at once. All that is planted
 * is planted within `ask`, so that each time is a time of its own.
 */
export async function upToThreeTimes<T>(
  t: Pick<TestContext, 'diagnostic'>,
  ask: () => Promise<T>,
  calmMs: number = CALM_MS,
): Promise<T> {
  const wrong: string[] = [];
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      wrong.push(`wrong answer ${wrong.length + 1} of ${TRIES} at most: ${error.message}`);
      t.diagnostic(wrong.at(-1)!);
      if (wrong.length === TRIES) throw new AssertionError({ message: wrong.join('\n') });
    }
    await untilQuiet(calmMs);
  }
}
