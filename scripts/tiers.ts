/**
 * Which test files belong where. The suffix says what a test needs; words before it say when it runs:
 *
 *   unit     *.test.ts in src and bench, and test/tidy: no privileges, no servers
 *   kernel   *.ktest.ts in src and bench: real rings, sockets and probes
 *   browser  test/browser: the HTML report in Chromium
 *   e2e      test/e2e: bin/loopscope against real servers
 *
 *   x.alone.ktest.ts       it measures, or changes the machine: nothing runs beside it
 *   x.full.test.ts         only with `npm run test:full`
 *   x.full.alone.test.ts   both
 */
import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = join(dirname(fileURLToPath(import.meta.url)), '..');

const GLOBS: Record<string, string[]> = {
  unit: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/*.test.ts', 'test/tidy/*.test.ts'],
  kernel: ['src/**/*.ktest.ts', 'bench/**/*.ktest.ts'],
  browser: ['test/browser/*.test.ts'],
  e2e: ['test/e2e/**/*.test.ts'],
};

export const TIERS: readonly string[] = Object.keys(GLOBS);

/**
 * Files of one tier that `concurrency` processes work through. `asksMachine`: an answer may be lost to what else the
 * machine does, so a wrong one is asked again; unit tests give the same answer always.
 */
export type Batch = { title: string; files: string[]; concurrency: number; asksMachine: boolean };

/** Unit tests compute; the others mostly wait for what they started. */
const sideBySide = (asksMachine: boolean) => (asksMachine ? 3 : 2);

/** Tiers whose files may run beside each other's: those with the longest first, so that none is waited for at the end. */
const TOGETHER = [['unit'], ['kernel'], ['e2e', 'browser']];

/** What to run for these tiers, in order: of those that go together, what may have company before what may not. */
export function batches(tiers: readonly string[], isFull: boolean): Batch[] {
  return TOGETHER.flatMap((together) => {
    const chosen = together.filter((tier) => tiers.includes(tier));
    const files = chosen.flatMap((tier) => globSync(GLOBS[tier]!, { cwd: root }).sort());
    return batchesOf(chosen.join(', '), files, isFull);
  });
}

/** The same for files given by hand: those of tiers that are run together, by path. */
export function batchesOf(title: string, files: readonly string[], isFull: boolean): Batch[] {
  const chosen = files.filter((file) => isFull || !wordsOf(file).includes('full'));
  const isAlone = (file: string) => wordsOf(file).includes('alone');
  const asksMachine = title !== 'unit';
  const concurrency = sideBySide(asksMachine);
  return [
    {
      title: `${title}: ${concurrency} at a time`,
      files: chosen.filter((file) => !isAlone(file)),
      concurrency,
      asksMachine,
    },
    { title: `${title}: 1 at a time`, files: chosen.filter(isAlone), concurrency: 1, asksMachine },
  ].filter((batch) => batch.files.length > 0);
}

/** The words between a test's name and its suffix: "full" and "alone" of x.full.alone.test.ts. */
export function wordsOf(file: string): string[] {
  return basename(file).split('.').slice(1, -2);
}
