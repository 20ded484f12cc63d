// Goal: a real quota is found, also when it is set on the group above, and its throttling counted. Needs a writable
// cgroup tree. Method: two nested groups, a shell that spins in the inner one.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuGroupObstacle, createCpuGroup } from '../../../test/fixtures/cgroup.ts';
import { start, until } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { cgroupOfProcess, readCgroupCpu } from './cgroup.ts';

test('a quota on the group above', async (t) => {
  const obstacle = cpuGroupObstacle();
  if (!needs(t, obstacle === null, obstacle ?? '')) return;
  await using group = createCpuGroup(0.1);
  const inner = `${group.path}/inner`;
  mkdirSync(inner);
  try {
    await using spinner = start('/bin/sh', ['-c', 'while :; do :; done']);
    writeFileSync(`${inner}/cgroup.procs`, String(spinner.pid));
    const found = cgroupOfProcess(spinner.pid)!;
    assert.equal(found.quotaCpus, 0.1);
    assert.ok(found.path.startsWith(`${found.limitPath}/`), `${found.path} in ${found.limitPath}`);
    assert.equal(found.cpuStatPath, `${group.path}/cpu.stat`);
    const throttled = await until('throttling', () => readCgroupCpu(found.cpuStatPath!)!.throttledNs > 0);
    assert.ok(throttled);
    assert.equal(
      cgroupOfProcess(process.pid)?.limits.some((limit) => limit.path === found.limitPath),
      false,
    );
  } finally {
    for (let i = 0; i < 100 && readFileSync(`${inner}/cgroup.procs`, 'utf8') !== ''; i++) await delay(10);
    rmdirSync(inner);
  }
});
