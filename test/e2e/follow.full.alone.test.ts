// Goal: a replay keeps up with a log of 20 000 lines a second that is renamed, copied and cut, loses none of them, and says how
// far behind it is. Method: the whole command for twenty seconds, nginx's log of what came.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { nginxPath } from '../fixtures/nginx.ts';
import { needs } from '../helpers/needs.ts';
import { upToThreeTimes } from '../helpers/tries.ts';
import { assertWhole, followLog } from './follow-rig.ts';

test('20 000 lines a second, rotated by renaming, by copying and cutting, and cut', async (t) => {
  if (!needs(t, nginxPath !== null, 'nginx')) return;
  await upToThreeTimes(t, async () => {
    using folder = temporaryFolder();
    const followed = await followLog(folder.path, 20_000, 17, [
      'rename',
      'copytruncate',
      'rename',
      'truncate',
    ]);
    assertWhole(followed);
    const { follow } = followed.report.load!.replay!.schedule;
    assert.deepEqual([follow!.rotated, follow!.truncated], [2, 2]);
    const { lag } = followed.report.load!.replay!.fidelity!;
    t.diagnostic(
      `${followed.writtenCount} lines, each ${follow!.delay_ns! / 1e9} s after it was logged, lag ${JSON.stringify(lag)}`,
    );
  });
});
