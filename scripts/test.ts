/**
 * `npm test`: finds test files by suffix, runs each tier with node --test. Plain Node without this would miss the
 * *.ktest.ts files, and would run tiers that share two cores all at once.
 *
 *   unit     *.test.ts in src and bench, and test/tidy: no privileges, no servers, run side by side
 *   kernel   *.ktest.ts in src and bench: real rings, sockets and probes; one file at a time
 *   browser  test/browser: the HTML report in Chromium
 *   e2e      test/e2e: bin/loopscope against real servers; one file at a time
 *
 * What failed is told once more at the end, thousands of lines after it happened.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const TIERS: Record<string, { globs: string[]; concurrency: number }> = {
  unit: { globs: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'test/tidy/*.test.ts'], concurrency: 2 },
  kernel: { globs: ['src/**/*.ktest.ts', 'bench/**/*.ktest.ts'], concurrency: 1 },
  browser: { globs: ['test/browser/*.test.ts'], concurrency: 1 },
  e2e: { globs: ['test/e2e/*.test.ts'], concurrency: 1 },
};

const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const flags = process.argv.slice(2).filter((arg) => arg.startsWith('-'));
const unknown = wanted.filter((name) => !(name in TIERS));
if (unknown.length > 0) {
  console.error(`unknown tier ${unknown.join(', ')}; there are ${Object.keys(TIERS).join(', ')}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'loopscope-test-run-'));
const failuresPath = join(folder, 'failures');
const reporters = [
  ['spec', 'stdout'],
  [join(root, 'scripts/failures-reporter.ts'), failuresPath],
].flatMap(([name, to]) => [`--test-reporter=${name}`, `--test-reporter-destination=${to}`]);
let failed = false;
const failures: string[] = [];
for (const [name, tier] of Object.entries(TIERS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const files = globSync(tier.globs, { cwd: root }).sort();
  console.log(`\n== ${name}: ${files.length} files`);
  if (files.length === 0) continue;
  const { status } = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--test',
      `--test-concurrency=${tier.concurrency}`,
      '--test-timeout=300000',
      ...reporters,
      ...flags,
      ...files,
    ],
    { cwd: root, stdio: 'inherit' },
  );
  if (status === 0) continue;
  failed = true;
  failures.push(`== ${name}: exit status ${status}\n${readFileSync(failuresPath, 'utf8')}`);
}
rmSync(folder, { recursive: true });
if (failed) console.log(`\nFailed:\n${failures.join('\n')}`);
process.exitCode = failed ? 1 : 0;
