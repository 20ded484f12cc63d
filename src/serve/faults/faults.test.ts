// Goal: faults are read as typed, hit when they should, and make their thread late in the way they claim.
// Method: tables of specs; each fault is hit once in this process, and the kernel's account of the thread compared.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { LoopscopeError } from '../../base/errors.ts';
import { FAULTS } from './registry.ts';
import { plantFaults } from './schedule.ts';
import { parseFault } from './spec.ts';

test('specs read as written', () => {
  const cases = [
    ['heavy:30ms/100', 'heavy', 30e6, 100],
    ['sleep:1.5s/1', 'sleep', 1.5e9, 1],
    ['fsync:8MB/50', 'fsync', 8 << 20, 50],
    ['fsync:64KiB/50', 'fsync', 65_536, 50],
    ['lock:200us/7', 'lock', 200e3, 7],
  ] as const;
  for (const [text, name, amount, every] of cases) {
    const spec = parseFault(text);
    assert.deepEqual([spec.fault.name, spec.amount, spec.every], [name, amount, every], text);
  }
});

test('what cannot be read is refused with the forms there are', () => {
  const bad = [
    '',
    'heavy',
    'heavy:30ms',
    'heavy:30ms/0',
    'heavy:30ms/x',
    'heavy:/9',
    'gremlin:1ms/2',
    'fsync:8/2',
  ];
  const alsoBad = [
    'fsync:30ms/2',
    'heavy:0ms/2',
    'heavy:2m/2',
    'fsync:9GB/2',
    'heavy:8MB/2',
    'heavy:1ms/2/3',
  ];
  for (const text of [...bad, ...alsoBad]) {
    assert.throws(
      () => parseFault(text),
      (error) =>
        error instanceof LoopscopeError && error.code === 'USAGE' && error.message.includes('--fault'),
      text,
    );
  }
  assert.throws(() => parseFault('gremlin:1ms/2'), { hint: /heavy, fsync, sleep/ });
});

test('every example in the registry is a spec of its own fault', () => {
  for (const fault of FAULTS) assert.equal(parseFault(fault.example).fault, fault);
});

test('each fault comes every Nth request', () => {
  const specs = [parseFault('heavy:1us/3'), parseFault('sleep:1us/5')];
  using faults = plantFaults(specs);
  for (let i = 0; i < 30; i++) faults.onRequest();
  assert.equal(faults.requestCount, 30);
  assert.deepEqual(faults.hitCounts(), { 'heavy:1us/3': 10, 'sleep:1us/5': 6 });
});

/** CPU time of the calling thread, ms, from the scheduler's own account, and how often it gave up the CPU. */
function threadAccount(): { cpuMs: number; voluntary: number } {
  const status = readFileSync('/proc/thread-self/status', 'utf8');
  const usage = process.threadCpuUsage();
  return {
    cpuMs: (usage.user + usage.system) / 1e3,
    voluntary: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)![1]),
  };
}

test('heavy uses the CPU; sleep and lock give it up', () => {
  for (const [text, usesCpu] of [
    ['heavy:20ms/1', true],
    ['sleep:20ms/1', false],
    ['lock:20ms/1', false],
  ] as const) {
    using faults = plantFaults([parseFault(text)]);
    // The lock's holder is a thread that has to start first.
    if (text.startsWith('lock')) faults.onRequest();
    const before = threadAccount();
    const startMs = performance.now();
    faults.onRequest();
    const wallMs = performance.now() - startMs;
    const after = threadAccount();
    assert.ok(wallMs >= 19, `${text} took ${wallMs} ms`);
    if (usesCpu)
      assert.ok(after.cpuMs - before.cpuMs > 1, `${text} used ${after.cpuMs - before.cpuMs} ms of CPU`);
    else {
      assert.ok(after.cpuMs - before.cpuMs < 15, `${text} used ${after.cpuMs - before.cpuMs} ms of CPU`);
      assert.ok(after.voluntary > before.voluntary, `${text} did not block`);
    }
  }
});

test('fsync writes its bytes and leaves no file', () => {
  const scratch = () =>
    [tmpdir(), '/var/tmp'].flatMap((folder) =>
      readdirSync(folder).filter((name) => /^\.loopscope-.*\.partial$/.test(name)),
    );
  const there = scratch();
  const writtenBytes = () => Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))![1]);
  {
    using faults = plantFaults([parseFault('fsync:64KB/1')]);
    const before = writtenBytes();
    faults.onRequest();
    assert.ok(writtenBytes() - before >= 65_536);
  }
  const left = scratch().filter((name) => !there.includes(name));
  assert.deepEqual(left, []);
});

test('allocate faults pages in', () => {
  using faults = plantFaults([parseFault('allocate:16MB/1')]);
  const before = process.resourceUsage().minorPageFault;
  faults.onRequest();
  // With transparent huge pages one fault brings in 2 MiB.
  assert.ok(process.resourceUsage().minorPageFault - before >= 8);
});
