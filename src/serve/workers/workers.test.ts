// Goal: the parts of a master that need no kernel: options as typed, back-off, the lock, time limits.
// Method: tables; a clock that the test moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopscopeError } from '../../base/errors.ts';
import { getAffinity } from '../../kernel/process.ts';
import { LockTurns } from '../accept/lock-turns.ts';
import { ProcessLock } from '../accept/process-lock.ts';
import { ConnectionClock, NOT_SERVED } from '../connection-clock.ts';
import { parseUnixMode, parseUnixOwner } from '../unix-owner.ts';
import { BackOff } from './back-off.ts';
import { parseCpuList, takePlace } from './placement.ts';

const isUsage = (error: unknown) => error instanceof LoopscopeError && error.code === 'USAGE';

test('CPU lists, modes and owners are read as typed', () => {
  assert.deepEqual(parseCpuList('0-2,5', '--cpus'), [0, 1, 2, 5]);
  assert.deepEqual(parseCpuList('3', '--cpus'), [3]);
  for (const wrong of ['', 'a', '3-1', '1,', '-1', '9000', '1-2-3']) {
    assert.throws(() => parseCpuList(wrong, '--cpus'), isUsage, wrong);
  }
  assert.equal(parseUnixMode('660'), 0o660);
  assert.equal(parseUnixMode('0600'), 0o600);
  for (const wrong of ['', '8', '999', '66', '1777', 'rw'])
    assert.throws(() => parseUnixMode(wrong), isUsage);
  assert.deepEqual(parseUnixOwner('12:34'), { uid: 12, gid: 34 });
  assert.deepEqual(parseUnixOwner('root'), { uid: 0, gid: -1 });
  assert.deepEqual(parseUnixOwner(':0'), { uid: -1, gid: 0 });
  for (const wrong of ['', ':', 'a:b:c', 'no-such-user-here', '0:no-such-group-here']) {
    assert.throws(() => parseUnixOwner(wrong), isUsage, wrong);
  }
});

test('workers that keep dying are started again later and later, up to a limit', () => {
  const backOff = new BackOff();
  const waits = Array.from({ length: 8 }, () => backOff.afterMs(10));
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  assert.equal(backOff.afterMs(60_000), 0, 'a long life is forgiven at once');
  assert.equal(backOff.afterMs(10), 100, 'and what was before it is forgotten');
});

test('the lock belongs to one at a time, and can be taken from the dead', () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const [a, b] = [new ProcessLock(words, 1, 11), new ProcessLock(words, 1, 12)];
  assert.deepEqual([a.tryTake(), b.tryTake(), a.tryTake()], [true, false, true]);
  b.release();
  assert.equal(b.tryTake(), false, 'only the owner gives it back');
  assert.equal(b.breakFor(99), false);
  assert.equal(b.breakFor(11), true);
  assert.equal(b.tryTake(), true);
});

test('turns: one accepts at a time, and one that is full leaves it to others', () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const [a, b] = [11, 12].map((pid) => new LockTurns(new ProcessLock(words, 0, pid)));
  assert.equal(a!.mayAccept(0, 100), true);
  assert.equal(b!.mayAccept(0, 100), false);
  b!.afterAccepts();
  assert.equal(b!.mayAccept(0, 100), false, "giving back what is another's does nothing");
  a!.afterAccepts();
  assert.equal(b!.mayAccept(88, 100), false, 'seven eighths full');
  assert.equal(b!.mayAccept(87, 100), true);
  assert.deepEqual([a!.turnCount, b!.turnCount], [1, 1]);
});

test('connections are told by how they keep the server waiting', () => {
  const said: string[] = [];
  let unsent = 0;
  const limits = { idleTimeoutNs: 8e9, requestTimeoutNs: 2e9, sendTimeoutNs: 4e9 };
  const clock = new ConnectionClock(10, limits, {
    idle: (conn) => end(`idle ${conn}`, conn),
    arriving: (conn) => end(`arriving ${conn}`, conn),
    notReading: (conn) => end(`not reading ${conn}`, conn),
    unsentBytes: (conn) => (conn === 3 ? unsent : 0),
  });
  const end = (what: string, conn: number) => {
    said.push(what);
    clock.closed(conn);
  };
  for (const conn of [1, 2, 3, 4]) clock.opened(conn, 0);
  clock.touched(2, true, false, 1e9);
  unsent = 100;
  for (let second = 0; second <= 12; second++) {
    // A byte now and then does not save a request; an answered one begins anew.
    if (second === 2) clock.touched(2, true, false, 2e9);
    if (second < 6) clock.touched(4, true, true, second * 1e9);
    if (second === 4) unsent = 50;
    clock.look(second * 1e9, false);
    for (const what of said.splice(0)) said.push(what.includes('@') ? what : `${what} @${second}`);
  }
  assert.deepEqual(said, ['arriving 2 @4', 'arriving 4 @8', 'idle 1 @9', 'not reading 3 @9']);
  clock.touched(1, false, true, 20e9);
  assert.equal(clock.state[1], NOT_SERVED, 'bytes of a connection that was ended change nothing');
});

test('with no place left, those who do nothing go first, and nobody else', () => {
  const ended: number[] = [];
  const limits = { idleTimeoutNs: 60e9, requestTimeoutNs: 10e9, sendTimeoutNs: 30e9 };
  const gone = (conn: number) => {
    ended.push(conn);
    clock.closed(conn);
  };
  const unsentBytes = (conn: number) => (conn === 3 ? 5 : 0);
  const clock = new ConnectionClock(9, limits, {
    idle: gone,
    arriving: gone,
    notReading: gone,
    unsentBytes,
  });
  for (const conn of [1, 2, 3, 4]) clock.opened(conn, 0);
  clock.touched(2, true, false, 0);
  clock.look(2e9, false);
  assert.deepEqual(ended, []);
  clock.touched(4, false, true, 2.5e9);
  clock.look(3e9, true);
  assert.deepEqual(ended, [1], 'not 2 mid-request, 3 that reads, 4 just answered');
});

test('a worker that was given no CPUs may run wherever its master may', () => {
  const before = getAffinity(0);
  takePlace({ cpus: [], nice: null }, 3);
  assert.deepEqual(getAffinity(0), before);
});
