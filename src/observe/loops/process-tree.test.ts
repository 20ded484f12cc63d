// Goal: workers are found as they come, orphans stay in, a pid that ended stays ended. Method: shells that fork.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { until } from '../../../test/fixtures/process.ts';
import { createProcessTree } from './process-tree.ts';

const nowNs = () => performance.now() * 1e6;

test('children that come later, and one whose parent is gone', async () => {
  const master = spawn('sh', ['-c', 'read a; sleep 30 & echo $!; read b; exit 0'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let worker = 0;
  try {
    const tree = createProcessTree({ pids: [master.pid!], selfPids: [], nowNs });
    assert.deepEqual(tree.scan(), [master.pid]);
    master.stdin!.write('\n');
    const [line] = await once(master.stdout!, 'data');
    worker = Number(String(line));
    assert.ok(tree.scan().includes(worker));
    master.stdin!.write('\n');
    await once(master, 'exit');
    assert.deepEqual(tree.scan(), [worker], 'init’s child by now, and still ours');
    assert.ok(tree.hasExited(master.pid!));
    assert.ok(!tree.hasExited(worker));
  } finally {
    if (worker > 0) process.kill(worker, 'SIGKILL');
    master.kill('SIGKILL');
  }
});

test('who is asked for by name is found when it is started anew', async () => {
  const first = spawn('sleep', ['30'], { stdio: 'ignore' });
  const second = spawn('sleep', ['30'], { stdio: 'ignore' });
  try {
    await Promise.all([once(first, 'spawn'), once(second, 'spawn')]);
    let named = [first.pid!];
    const tree = createProcessTree({ pids: named, findPids: () => named, selfPids: [], nowNs });
    assert.deepEqual(tree.scan(), named);
    first.kill('SIGKILL');
    await once(first, 'exit');
    assert.deepEqual(tree.scan(), []);
    named = [second.pid!];
    await until('the second to be asked again', () => tree.scan().includes(second.pid!), 3000);
    assert.deepEqual([...tree.roots], [first.pid, second.pid]);
  } finally {
    first.kill('SIGKILL');
    second.kill('SIGKILL');
  }
});

test('never we ourselves', () => {
  const tree = createProcessTree({ pids: [process.pid, process.ppid], selfPids: [process.pid], nowNs });
  assert.ok(!tree.scan().includes(process.pid));
});
