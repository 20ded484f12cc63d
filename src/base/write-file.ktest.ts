// Goal: in a folder that everybody may write to, another user cannot lead what root writes elsewhere. Method: things of
// nobody's in the way, one by one; then a process of nobody's that plants links as fast as it can beside many writes.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findProgram, start, until } from '../../test/fixtures/process.ts';
import { runs } from '../../test/helpers/depth.ts';
import { needs } from '../../test/helpers/needs.ts';
import { readRunFile, writeRunFile } from '../record/run-file.ts';
import { sampleRun } from '../report/testing/sample-run.ts';
import { PRIVATE_MODE, writeAll, writeWholeFile } from './write-file.ts';

const NOBODY = 65534;
const AS_NOBODY = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
const isRoot = process.getuid?.() === 0;
const folder = mkdtempSync(join(tmpdir(), 'loopscope-planted-'));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const write = (path: string, text = 'new') => writeWholeFile(path, PRIVATE_MODE, (fd) => writeAll(fd, text));
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const leftOver = (path: string) =>
  readdirSync(path).filter((name) => /^\.loopscope-\w{24}\.partial$/.test(name));

/** A folder like /tmp. */
function sharedFolder(name: string): string {
  mkdirSync(at(name));
  chmodSync(at(name), 0o1777);
  return at(name);
}

test('what another user put into a folder for everybody is not used', (t) => {
  if (!needs(t, isRoot, 'root')) return;
  const shared = sharedFolder('shared');
  writeFileSync(at('victim'), 'precious');
  mkdirSync(at('victims'));
  const planted: [name: string, make: (path: string) => void, what: RegExp][] = [
    ['link', (path) => symlinkSync(at('victim'), path), /leads through a link of another user \(uid 65534\)/],
    ['dangling', (path) => symlinkSync(at('not-yet'), path), /leads through a link/],
    ['file', (path) => writeFileSync(path, ''), /belongs to another user/],
  ];
  for (const [name, make, message] of planted) {
    make(join(shared, name));
    lchownSync(join(shared, name), NOBODY, NOBODY);
    assert.throws(() => write(join(shared, name)), { code: 'RUN_FILE_WRITE', message }, name);
  }
  symlinkSync(at('victims'), join(shared, 'folder'));
  lchownSync(join(shared, 'folder'), NOBODY, NOBODY);
  assert.throws(() => write(join(shared, 'folder/file')), { code: 'RUN_FILE_WRITE' });
  // Without the sticky bit anybody could even exchange what is there.
  chmodSync(shared, 0o777);
  assert.throws(() => write(join(shared, 'link')), { code: 'RUN_FILE_WRITE' });
  assert.equal(readFileSync(at('victim'), 'utf8'), 'precious');
  assert.deepEqual([readdirSync(at('victims')), leftOver(shared)], [[], []]);
});

test("one's own things there are used, and so are another's in a folder of theirs", (t) => {
  if (!needs(t, isRoot, 'root')) return;
  const shared = sharedFolder('shared-too');
  symlinkSync(at('own'), join(shared, 'own'));
  write(join(shared, 'own'), 'mine');
  assert.equal(readFileSync(at('own'), 'utf8'), 'mine');
  mkdirSync(at('home'));
  writeFileSync(at('home/run'), '');
  for (const path of ['home', 'home/run']) chownSync(at(path), NOBODY, NOBODY);
  chmodSync(at('home/run'), 0o604);
  symlinkSync('run', at('home/latest'));
  lchownSync(at('home/latest'), NOBODY, NOBODY);
  write(at('home/latest'), 'for them');
  const { uid } = statSync(at('home/run'));
  assert.deepEqual([uid, modeOf(at('home/run'))], [NOBODY, '604']);
});

/**
 * Plants, as fast as it can, links to the victim under the names that could come: that of the run file itself, hidden
 * ones with the writer's pid in them, and whatever appears in the folder.
 */
const PLANTER = `
const { symlinkSync, unlinkSync, readdirSync } = require('node:fs');
const [folder, victim, pid] = process.argv.slice(1);
const attempt = (work) => { try { work(); return 1; } catch { return 0; } };
process.chdir(folder);
let planted = 0;
const plant = () => {
  planted += attempt(() => symlinkSync(victim, '.run.loopscope.' + pid + '.partial'));
  planted += attempt(() => symlinkSync(victim, 'run.loopscope'));
  for (const name of readdirSync('.')) {
    attempt(() => unlinkSync(name));
    planted += attempt(() => symlinkSync(victim, name));
  }
};
plant();
console.log('planting');
setInterval(() => console.log(planted), 100);
const go = () => { for (let i = 0; i < 20; i++) plant(); setImmediate(go); };
go();
`;

test('run files written beside a user who plants links: none goes through one', async (t) => {
  if (!needs(t, isRoot && findProgram('setpriv') !== null, 'root and setpriv')) return;
  const shared = sharedFolder('planted');
  writeFileSync(at('precious'), 'precious');
  chmodSync(at('precious'), 0o644);
  const count = runs(1000);
  const run = sampleRun({ seconds: 1, ratePerSec: 10 });
  const path = join(shared, 'run.loopscope');
  const argv = [process.execPath, '-e', PLANTER, shared, at('precious'), String(process.pid)];
  await using planter = start('setpriv', [...AS_NOBODY, ...argv]);
  await until('links to be planted', () => planter.output().includes('planting'));
  const ends = { written: 0, refused: 0 };
  for (let i = 0; i < count; i++) {
    try {
      writeRunFile(path, run);
      ends.written++;
      assert.equal(readRunFile(path).complete, true);
    } catch (error) {
      assert.match(
        (error as Error).message,
        /another user \(uid 65534\), in a folder that everybody may write to$/,
      );
      ends.refused++;
    }
    assert.equal(readFileSync(at('precious'), 'utf8'), 'precious');
    // A race begins anew: the next link is there in time, or it is not.
    rmSync(path, { force: true });
  }
  assert.equal(ends.written + ends.refused, count);
  assert.ok(ends.refused > 0, 'links were in the way');
  await planter.stop();
  rmSync(path, { force: true });
  writeRunFile(path, run);
  assert.deepEqual([readRunFile(path).complete, modeOf(path)], [true, '600']);
  const ours = readdirSync(shared).filter((name) => lstatSync(join(shared, name)).uid === process.getuid!());
  assert.deepEqual(ours, ['run.loopscope']);
});
