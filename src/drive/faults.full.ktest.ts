// Goal: conservation to the request, no descriptor left and no hang, whatever a server or the own machine's limits do.
// Method: seeded cases of test/faults in processes of their own, with a watchdog; a failure names its seed and the
// command that repeats it. What the cases came to is looked at as well: a suite that met no fault has tested nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { needs } from '../../test/helpers/needs.ts';
import { root } from '../../test/helpers/source-files.ts';
import { probeIoUring } from '../kernel/features.ts';

const BLOCK_COUNT = 4;
const BLOCK_CASES = 60;

// Types are stripped and code compiled once, not anew in each of several hundred threads.
const cache = mkdtempSync(join(tmpdir(), 'loopscope-faults-cache-'));
after(() => rmSync(cache, { recursive: true, force: true }));
const env = { ...process.env, NODE_COMPILE_CACHE: cache };
const run = promisify(execFile);

type Sums = Record<string, number>;
const sums: Record<'counts' | 'errorsByKind' | 'connections', Sums> = {
  counts: {},
  errorsByKind: {},
  connections: {},
};
let caseCount = 0;
let failedForDescriptors = 0;

for (let block = 0; block < BLOCK_COUNT; block++) {
  const from = block * BLOCK_CASES;
  test(`seeds ${from} to ${from + BLOCK_CASES - 1}`, async (t) => {
    if (!needs(t, probeIoUring().available, 'io_uring')) return;
    const program = join(root, 'test/faults/run.ts');
    const flags = ['--disable-warning=ExperimentalWarning', program];
    const range = ['--from', String(from), '--count', String(BLOCK_CASES)];
    const { stdout } = await run(process.execPath, [...flags, ...range], { env }).catch((error) => {
      throw new Error(error.stderr || error.message);
    });
    const summary = JSON.parse(stdout);
    caseCount += summary.caseCount;
    failedForDescriptors += summary.failedForDescriptors;
    for (const part of Object.keys(sums) as (keyof typeof sums)[]) {
      for (const [name, count] of Object.entries(summary[part] as Sums)) {
        sums[part][name] = (sums[part][name] ?? 0) + count;
      }
    }
  });
}

test('the cases met what they are for', (t) => {
  if (!needs(t, probeIoUring().available, 'io_uring')) return;
  assert.equal(caseCount, BLOCK_COUNT * BLOCK_CASES);
  for (const outcome of ['ok', 'wrong', 'error', 'timeout', 'unsent']) {
    assert.ok(sums.counts[outcome]! > 0, `${outcome} in none of them`);
  }
  const kinds = ['reset by peer', 'closed without a reply', 'truncated reply', 'not HTTP'];
  for (const kind of [...kinds, 'frame length out of bounds']) {
    assert.ok(sums.errorsByKind[kind]! > 0, `"${kind}" in none of them`);
  }
  for (const what of ['failed', 'reopened', 'closedByPeer', 'lateReplies']) {
    assert.ok(sums.connections[what]! > 0, `${what} in none of them`);
  }
  assert.ok(failedForDescriptors > 0, 'too few descriptors in none of them');
});
