// Goal: a number that is used again, and a program that becomes another, are told apart. Method: stat lines, then live.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseIdentity, taskIdentity } from './task-identity.ts';

const stat = (state: string, start: number, stack: number) =>
  `12 (a) b) ${state} 1 12 12 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 1 0 ${start} 1000 100 18446744073709551615 1 2 ${stack} 0 0`;

test('begin and stack name it; the dead have no identity', () => {
  assert.equal(parseIdentity(stat('S', 77, 140)), '77.140');
  assert.notEqual(parseIdentity(stat('S', 77, 140)), parseIdentity(stat('S', 78, 140)));
  assert.notEqual(parseIdentity(stat('S', 77, 140)), parseIdentity(stat('R', 77, 141)));
  for (const text of [stat('Z', 77, 140), stat('X', 77, 140), '', '12 (a) S 1'])
    assert.equal(parseIdentity(text), null);
});

test('execve changes it, time does not', async () => {
  const child = spawn('sh', ['-c', 'read go; exec sleep 30'], { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    await once(child, 'spawn');
    await delay(50);
    const before = taskIdentity(child.pid!, child.pid!);
    assert.ok(before);
    assert.equal(taskIdentity(child.pid!, child.pid!), before);
    child.stdin!.write('\n');
    for (let i = 0; i < 200 && taskIdentity(child.pid!, child.pid!) === before; i++) await delay(10);
    const after = taskIdentity(child.pid!, child.pid!);
    assert.notEqual(after, before);
    assert.equal(after!.split('.')[0], before.split('.')[0], 'the same process all the while');
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  assert.equal(taskIdentity(child.pid!, child.pid!), null);
});
