// Goal: no process can lie about its fields by its name, and a process that is gone is null. Method: fixture lines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gettid } from '../process.ts';
import { parseStat, readStat } from './process-stat.ts';

const TAIL =
  'S 7 42 42 0 -1 4194560 130 0 3 0 250 61 0 0 20 -5 1 0 900123 3133440 388 18446744073709551615 ' +
  '1 1 0 0 0 0 0 4096 134767212 1 0 0 17 3 0 2 0 0 0 1 1 1 1 1 1 1 0\n';

test('the fields of an ordinary line', () => {
  assert.deepEqual(parseStat(`42 (nginx) ${TAIL}`), {
    pid: 42,
    comm: 'nginx',
    state: 'S',
    parentPid: 7,
    flags: 4194560,
    minorFaults: 130,
    majorFaults: 3,
    utimeNs: 2_500_000_000,
    stimeNs: 610_000_000,
    nice: -5,
    threadCount: 1,
    startTicks: 900123,
    lastCpu: 3,
    schedPolicy: 'SCHED_RR',
    isKernelThread: false,
  });
});

test('a name cannot forge fields', () => {
  for (const comm of ['a) R 1 (b\n', ')', '(', '', ') R 1 1 1', 'a b c', '((()))', '\n\n']) {
    const stat = parseStat(`42 (${comm}) ${TAIL}`);
    assert.equal(stat?.comm, comm);
    assert.equal(stat.parentPid, 7);
    assert.equal(stat.state, 'S');
  }
});

test('kernel threads are known by their flag, and policies by name', () => {
  const line = (flags: number, policy: number) =>
    `42 (kworker/0:1) ${TAIL.replace('4194560', String(flags)).replace('3 0 2 0', `3 0 ${policy} 0`)}`;
  assert.equal(parseStat(line(69238880, 0))?.isKernelThread, true);
  assert.equal(parseStat(line(0, 6))?.schedPolicy, 'SCHED_DEADLINE');
  assert.equal(parseStat(line(0, 99))?.schedPolicy, 'policy 99');
});

test('half a line is no line', () => {
  const whole = `42 (nginx) ${TAIL}`;
  for (const text of [
    '',
    '42',
    '42 (nginx',
    '42 nginx) S',
    whole.slice(0, 60),
    `x (nginx) ${TAIL}`,
    whole.replace('S 7', 'S x'),
  ])
    assert.equal(parseStat(text), null, text);
});

test('a process and a thread that exist are read, others are null', () => {
  const own = readStat(process.pid);
  assert.equal(own?.pid, process.pid);
  assert.equal(own.parentPid, process.ppid);
  assert.equal(readStat(process.pid, gettid())?.pid, gettid());
  // Above the largest pid_max there is.
  assert.equal(readStat(4194305), null);
  assert.equal(readStat(process.pid, 4194305), null);
});
