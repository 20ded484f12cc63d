// Goal: of what a watched process has put where we look, only ordinary files are opened, through no link. Method: a
// temporary folder with a pipe, a socket, links and folders, reached as such files are; devices of this machine.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findProgram } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { createEffort, isSpent, within } from './effort.ts';
import { openOrdinary, statOrdinary } from './ordinary-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-ordinary-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
/** As a process's own files are reached. */
const below = (path: string) => `/proc/${process.pid}/root${path}`;

writeFileSync(at('file'), 'content');
mkdirSync(at('folder'));
writeFileSync(at('folder/file'), 'inner');
symlinkSync('file', at('link'));
symlinkSync('folder', at('to-folder'));

function textOf(path: string, trusted = false): string | null {
  using file = openOrdinary(path, trusted);
  return file && readFileSync(file.fd, 'utf8');
}

test('an ordinary file is opened, by its name, below a root, and by what /proc has open', () => {
  const fd = openSync(at('file'), 'r');
  for (const path of [
    at('file'),
    below(at('file')),
    `/proc/self/fd/${fd}`,
    `/proc/${process.pid}/fd/${fd}`,
  ]) {
    assert.equal(textOf(path), 'content', path);
    assert.equal(statOrdinary(path)?.size, 7, path);
  }
  assert.equal(textOf(below(at('folder/file'))), 'inner');
});

test('no link is followed, but in a place that is trusted', () => {
  for (const path of [
    at('link'),
    below(at('link')),
    below(at('to-folder/file')),
    below(`${folder}/folder/../file`),
  ]) {
    assert.equal(textOf(path), null, path);
    assert.equal(statOrdinary(path), null, path);
  }
  assert.equal(textOf(at('link'), true), 'content');
  assert.equal(textOf(below(at('link')), true), null, 'below the root of a process nothing is trusted');
});

test('pipes, sockets, devices and folders are neither opened nor waited for', async (t) => {
  const server = createServer().listen(at('socket'));
  await once(server, 'listening');
  try {
    const paths = [at('socket'), at('folder'), '/dev/null', '/dev/zero', '/dev/tty', at('absent'), ''];
    if (needs(t, findProgram('mkfifo') !== null, 'mkfifo')) {
      execFileSync('mkfifo', [at('pipe')]);
      paths.push(at('pipe'));
    }
    for (const path of paths) {
      for (const each of [path, below(path)]) {
        assert.equal(openOrdinary(each), null, each);
        assert.equal(openOrdinary(each, true), null, each);
      }
    }
  } finally {
    server.close();
  }
});

test('what was looked at is let go of again, and paid for', () => {
  const openCount = () => readdirSync('/proc/self/fd').length;
  const before = openCount();
  const effort = createEffort(1000);
  within(effort, () => {
    for (const path of [
      at('file'),
      at('link'),
      below(at('file')),
      below(at('to-folder/file')),
      '/dev/null',
    ]) {
      openOrdinary(path)?.[Symbol.dispose]();
      statOrdinary(path);
    }
  });
  assert.equal(openCount(), before);
  assert.ok(effort.left < 1000);
  assert.throws(() => within(createEffort(3), () => openOrdinary(at('file'))), isSpent);
});
