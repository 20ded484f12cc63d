import type { TestContext } from 'node:test';

/**
 * True when the test can go on. Otherwise skips it with the reason, or, where everything must be present
 * (REQUIRE_ALL=1, as in CI), fails: a skip there would hide a missing install step.
 */
export function needs(t: TestContext, condition: boolean, reason: string): boolean {
  if (condition) return true;
  if (process.env.REQUIRE_ALL === '1') throw new Error(`required here, but absent: ${reason}`);
  t.skip(reason);
  return false;
}
