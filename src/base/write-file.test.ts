// Goal: what is written replaces only what it should, with the mode it should have. Method:
// a temporary folder with files, links, devices and folders in the way. (What other users put there: write-file.ktest.ts.)
import assert from 'node:assert/strict';
import {
  chmodSync,
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
import { COMMON_MODE, PRIVATE_MODE, writeAll, writeWholeFile } from './write-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-write-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const write = (path: string, text = 'new', mode = PRIVATE_MODE) =>
  writeWholeFile(path, mode, (fd) => writeAll(fd, text));
const leftOver = (path: string) => readdirSync(path).filter((name) => name.endsWith('.partial'));

test('a new file has the mode it is given, an old one keeps its own', () => {
  const umask = process.umask(0o022);
  try {
    write(at('private'));
    write(at('common'), 'new', COMMON_MODE);
    writeFileSync(at('old'), 'old');
    chmodSync(at('old'), 0o640);
    write(at('old'));
    assert.deepEqual(['private', 'common', 'old'].map(at).map(modeOf), ['600', '644', '640']);
    assert.equal(readFileSync(at('old'), 'utf8'), 'new');
  } finally {
    process.umask(umask);
  }
});

test('links, dots and folders on the way', () => {
  mkdirSync(at('a/b'), { recursive: true });
  symlinkSync('a/b', at('to-folder'));
  symlinkSync('../a/./b/file', at('a/to-file'));
  symlinkSync(at('a/b/other'), at('absolute'));
  symlinkSync('loop', at('loop'));
  write(`${at('to-folder')}/../b/./file`, 'first');
  assert.equal(readFileSync(at('a/b/file'), 'utf8'), 'first');
  write(at('a/to-file'), 'second');
  write(at('absolute'), 'third');
  assert.equal(readFileSync(at('a/b/file'), 'utf8'), 'second');
  assert.equal(readFileSync(at('a/b/other'), 'utf8'), 'third');
  assert.ok(lstatSync(at('a/to-file')).isSymbolicLink());
  const refused: [path: string, message: string][] = [
    [at('loop'), 'ELOOP: too many symbolic links encountered'],
    [at('a'), 'EISDIR: illegal operation on a directory'],
    ['/', 'EISDIR: illegal operation on a directory'],
    [at('none/file'), 'ENOENT: no such file or directory'],
    [at('a/b/file/x'), 'ENOTDIR: not a directory'],
  ];
  for (const [path, message] of refused) assert.throws(() => write(path), { message }, path);
});

test('a device is written to where it is, and so is what a link of /proc leads to', () => {
  write('/dev/null');
  assert.ok(lstatSync('/dev/null').isCharacterDevice());
  assert.throws(() => write('/dev/full'), { code: 'ENOSPC' });
  writeFileSync(at('cwd-file'), 'a longer text than the new one');
  write(`/proc/self/root${at('cwd-file')}`, 'short');
  assert.equal(readFileSync(at('cwd-file'), 'utf8'), 'short');
});

test('nothing is left of what failed', () => {
  writeFileSync(at('kept'), 'old');
  assert.throws(() =>
    writeWholeFile(at('kept'), PRIVATE_MODE, () => {
      throw new Error('half way');
    }),
  );
  assert.equal(readFileSync(at('kept'), 'utf8'), 'old');
  assert.deepEqual(leftOver(folder), []);
});
