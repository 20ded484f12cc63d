// Goal: the process that used the CPU is named, with its CPUs and its part in the run. Method: a busy shell, a child of
// ours that runs our own program.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start, until } from '../../../test/fixtures/process.ts';
import { readStat } from '../../kernel/proc/process-stat.ts';
import { createNeighbours } from './neighbours.ts';

const cpuNs = (pid: number) => {
  const stat = readStat(pid);
  return stat ? stat.utimeNs + stat.stimeNs : 0;
};

test('a busy neighbour, an idle one, our own and a watched one', async () => {
  await using before = start('/bin/sh', ['-c', 'while :; do :; done'], { cpus: '0' });
  await using idle = start('/bin/sleep', ['100']);
  await until('the shell to be busy', () => cpuNs(before.pid) > 20e6);
  const neighbours = createNeighbours({ selfPids: [process.pid], watchedPids: () => [watched.pid] });
  const startNs = cpuNs(before.pid);
  await using own = start(process.execPath, ['-e', 'for(;;);']);
  await using watched = start(process.execPath, ['-e', 'for(;;);']);
  await until('all to be busy', () =>
    [before.pid, own.pid, watched.pid].every((pid) => cpuNs(pid) > startNs + 30e6),
  );
  const found = neighbours.finish();
  const busy = found.find((neighbour) => neighbour.pid === before.pid)!;
  assert.equal(busy.comm, 'sh');
  assert.match(busy.commandLine, /while :; do/);
  assert.equal(busy.cpusAllowed, '0');
  assert.deepEqual([busy.isSelf, busy.isWatched, busy.kernelThread], [false, false, false]);
  // Only what it used since, which is less than all it ever used.
  assert.ok(busy.cpuNs > 20e6 && busy.cpuNs < cpuNs(before.pid), String(busy.cpuNs));
  assert.equal(
    found.some((neighbour) => neighbour.pid === idle.pid),
    false,
  );
  const roles = (pid: number) => {
    const neighbour = found.find((candidate) => candidate.pid === pid)!;
    return [neighbour.isSelf, neighbour.isWatched];
  };
  assert.deepEqual(roles(process.pid), [true, false]);
  assert.deepEqual(roles(own.pid), [true, false]);
  assert.deepEqual(roles(watched.pid), [false, true]);
  const order = found.map((neighbour) => neighbour.cpuNs);
  assert.deepEqual(
    order,
    [...order].sort((a, b) => b - a),
  );
  assert.ok(found.length <= 20);
});
