// Goal: a log that is followed while it grows, is renamed and is cut comes out at the target whole: every line once, in order
// of their clients' lines, and the report says how late. Method: the whole command, nginx's log of what came.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { nginxPath } from '../fixtures/nginx.ts';
import { needs } from '../helpers/needs.ts';
import { upToThreeTimes } from '../helpers/tries.ts';
import { assertWhole, followLog } from './follow-rig.ts';

test('500 lines a second, rotated by renaming and cut', async (t) => {
  if (!needs(t, nginxPath !== null, 'nginx')) return;
  await upToThreeTimes(t, async () => {
    using folder = temporaryFolder();
    const followed = await followLog(folder.path, 500, 1.5, ['rename', 'truncate']);
    assertWhole(followed);
    assert.equal(followed.report.load!.counts.unsent, 0);
  });
});
