// Goal: whatever is killed, and when, nothing that a proxy moved is counted twice, and what is lost is of the last moments.
// Method: kill -9 at seeded moments of its traffic; an upstream that knows each connection. scripts/kill-accounts.ts does
// it as often as one likes, and says how much was lost.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { upToThreeTimes } from '../helpers/tries.ts';
import { killTrial } from './accounts-rig.ts';

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());

/** A second, on a machine that is not asleep. */
const MOST_LOST_MS = 3000;

test('killed twice', async (t) => {
  let file = 0;
  for (let seed = 1; seed <= 2; seed++) {
    await upToThreeTimes(t, async () => {
      const trial = await killTrial(join(folder.path, `${++file}.db`), seed);
      assert.deepEqual(trial.tooMuch, []);
      assert.ok(trial.lostMs < MOST_LOST_MS, `${trial.lostMs} ms lost`);
    });
  }
});
