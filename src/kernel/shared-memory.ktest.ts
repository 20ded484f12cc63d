// Goal: memory that two mappings share, with atomics that hold; sockets' files with the owner and mode asked for.
// Method: two mappings of one memfd in this process; other processes meet in serve's tests.
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../../test/helpers/needs.ts';
import { createSharedMemory, mapSharedMemory } from './shared-memory.ts';
import { closeFd, openListener, socketFileIdentity, unlinkSocketPath } from './sockets.ts';

const memfds = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('loopscope-test');
    } catch {
      return false;
    }
  });

test('what one mapping writes the other reads, and exactly one takes a lock', () => {
  const first = createSharedMemory('loopscope-test', 5000);
  const second = mapSharedMemory(openSync(`/proc/self/fd/${first.fd}`, 'r+'), 5000);
  const [a, b] = [first, second].map(({ buffer }) => new Int32Array(buffer, 0, 1250));
  assert.equal(a![1249], 0, 'zeroed to the end');
  a![1249] = 7;
  assert.equal(b![1249], 7);
  assert.equal(Atomics.compareExchange(a!, 0, 0, 11), 0);
  assert.equal(Atomics.compareExchange(b!, 0, 0, 12), 11);
  assert.equal(memfds().length, 2);
  for (const memory of [first, second, first]) memory[Symbol.dispose]();
  assert.deepEqual(memfds(), []);
});

test('a socket file gets its mode and owner before anybody can connect', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-owner-'));
  try {
    const path = join(folder, 'a.sock');
    closeFd(openListener({ kind: 'unix', path }, { unixMode: 0o620, unixOwner: { uid: -1, gid: -1 } }));
    assert.equal(statSync(path).mode & 0o777, 0o620);
    const identity = socketFileIdentity(path);
    unlinkSocketPath(path, '0:0');
    assert.equal(socketFileIdentity(path), identity, "another's file stays");
    unlinkSocketPath(path, identity);
    assert.equal(socketFileIdentity(path), '');
    if (!needs(t, process.getuid?.() === 0, 'root, to give a file away')) return;
    closeFd(openListener({ kind: 'unix', path }, { unixOwner: { uid: 65534, gid: 65534 } }));
    assert.deepEqual([statSync(path).uid, statSync(path).gid], [65534, 65534]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
