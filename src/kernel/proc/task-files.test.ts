// Goal: each per-task file is read right, and what is missing is null, not 0. Method: fixture texts, then this process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { anyText } from '../../../test/helpers/any-text.ts';
import { assertLinear } from '../../../test/helpers/growth.ts';
import { gettid } from '../process.ts';
import { allPids, descendants, descendantsOf, parentPids } from './children.ts';
import { parseCommandLine, readCommandLine } from './command-line.ts';
import { parseStat } from './process-stat.ts';
import { parseStatus, readStatus } from './process-status.ts';
import { parseSchedstat, readSchedstat } from './schedstat.ts';
import { parseCurrentSyscall, readCurrentSyscall, readWchan } from './syscall-wchan.ts';
import { threadIds } from './threads.ts';
import { readTimerSlackNs } from './timer-slack.ts';

const STATUS = `Name:\ta\\nTracerPid:\\t9
Umask:\t0022
State:\tS (sleeping)
Tgid:\t42
TracerPid:\t77
Uid:\t1000\t65534\t1000\t1000
Threads:\t3
Cpus_allowed:\tf
Cpus_allowed_list:\t0-2,5
voluntary_ctxt_switches:\t150
nonvoluntary_ctxt_switches:\t545
`;
const NO_PID = 4194305;

test('status', () => {
  assert.deepEqual(parseStatus(STATUS), {
    uid: 65534,
    tracerPid: 77,
    cpusAllowed: '0-2,5',
    voluntarySwitches: 150,
    involuntarySwitches: 545,
    threadCount: 3,
  });
  assert.equal(parseStatus(''), null);
  assert.equal(parseStatus(STATUS.replace('TracerPid:\t77', '')), null);
  assert.equal(readStatus(process.pid)?.uid, process.geteuid!());
  assert.equal(readStatus(NO_PID), null);
});

test('schedstat: no account is null, not zero', () => {
  assert.deepEqual(parseSchedstat('12 34 5\n'), { cpuNs: 12, runDelayNs: 34, timeslices: 5 });
  for (const text of ['', '0 0 0\n', '1 2', '1 2 x', '-1 2 3'])
    assert.equal(parseSchedstat(text), null, text);
  assert.ok(readSchedstat(process.pid, gettid())!.cpuNs > 0);
  assert.equal(readSchedstat(NO_PID, NO_PID), null);
});

test('command lines', () => {
  assert.equal(parseCommandLine('nginx: worker process\0\0\0\0'), 'nginx: worker process');
  assert.equal(parseCommandLine('node\0--a b\0c\0'), 'node --a b c');
  assert.equal(parseCommandLine(''), '');
  assertLinear((size) => parseCommandLine(`${'\0'.repeat(size)}x`));
  assert.equal(parseCommandLine('x'.repeat(2000)).length, 512);
  assert.match(readCommandLine(process.pid)!, /node/);
  assert.equal(readCommandLine(NO_PID), null);
});

test('the system call in flight', () => {
  assert.deepEqual(parseCurrentSyscall('232 0x8 0x7f 0x200 0xffffffff 0x0 0x2 0x7ffd 0x7f12\n'), {
    number: 232,
    args: [8n, 0x7fn, 512n, 0xffffffffn, 0n, 2n],
  });
  assert.equal(parseCurrentSyscall('running\n'), 'running');
  assert.deepEqual(parseCurrentSyscall('-1 0x7ffd 0x7f12\n'), { number: -1, args: [] });
  for (const text of ['', '\n', 'sleeping', '232', '232 0x1 0x2 0x3', '232 1 2 3 4 5 6 7 8'])
    assert.equal(parseCurrentSyscall(text), null, text);
  assert.equal(readCurrentSyscall(NO_PID, NO_PID), null);
  assert.equal(readWchan(NO_PID, NO_PID), null);
});

test('this thread reads its own slack', () => {
  assert.ok(readTimerSlackNs(gettid())! > 0);
  assert.equal(readTimerSlackNs(NO_PID), null);
});

test('a thread that begins is listed', async () => {
  const worker = new Worker('setInterval(() => {}, 1e6)', { eval: true });
  await new Promise((resolve) => worker.once('online', resolve));
  const withWorker = threadIds(process.pid);
  await worker.terminate();
  assert.ok(withWorker.includes(process.pid) && withWorker.length > threadIds(process.pid).length);
  assert.deepEqual(threadIds(NO_PID), []);
});

test('descendants: parents first, loops in the table end', () => {
  const parents = new Map([
    [2, 1],
    [3, 2],
    [4, 3],
    [9, 1],
    [7, 8],
    [8, 7],
  ]);
  assert.deepEqual(descendantsOf([2], parents), [3, 4]);
  assert.deepEqual(descendantsOf([1], parents), [2, 9, 3, 4]);
  assert.deepEqual(descendantsOf([7], parents), [8]);
  assert.deepEqual(descendantsOf([5], parents), []);
  const byScan = descendantsOf([process.ppid], parentPids());
  for (const found of [byScan, descendants(process.ppid)]) assert.ok(found.includes(process.pid));
  assert.ok(!descendants(process.ppid, new Set([process.pid])).includes(process.pid));
  assert.deepEqual(descendants(NO_PID), []);
  assert.ok(allPids().includes(process.pid));
});

test('no text makes a parser throw', () => {
  const parsers = [parseStat, parseStatus, parseSchedstat, parseCommandLine, parseCurrentSyscall];
  fc.assert(
    fc.property(anyText(200), (text) => {
      for (const parse of parsers) parse(text);
    }),
  );
});
