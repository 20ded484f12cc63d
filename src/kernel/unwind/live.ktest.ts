// Goal: stacks of living processes that no compiler made ready for us: a JIT's frames, the vdso, deleted files,
// threads asleep. Method: Node with --perf-basic-prof, sleeping programs, copies removed while they run.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryFolder } from '../../../test/fixtures/guard.ts';
import { start, until } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { createProcessImage } from '../symbols/process-image.ts';
import { createUserSymbols } from '../symbols/user-symbols.ts';
import { readBlockedThread } from './blocked-thread.ts';
import { createStackCopy } from './stack-copy.ts';
import { gdbPath, gdbStops, registersOf } from './testing/gdb-stops.ts';
import { pythonPath } from './testing/subjects.ts';
import { unwind } from './unwind.ts';
import { unwindTableOf } from './unwind-table.ts';

const isX64 = process.arch === 'x64';

function namesOf(pid: number, record: NonNullable<ReturnType<typeof readBlockedThread>>) {
  const symbols = createUserSymbols(pid);
  const { frames, end } = unwind(symbols.image, record.registers, record.stack);
  const names = frames.map((frame) => symbols.locate(frame.address, frame.isReturnAddress).name);
  return { names, end, frames };
}

test('a sleeping thread’s stack, without stopping it', async (t) => {
  if (!needs(t, isX64 && existsSync(pythonPath), 'python3 on x86-64')) return;
  await using python = start(pythonPath, ['-c', 'import time\ntime.sleep(60)']);
  const record = await until('a sleeping thread', () => {
    const found = readBlockedThread(python.pid);
    return found && namesOf(python.pid, found).names.includes('clock_nanosleep') && found;
  });
  const { names, end } = namesOf(python.pid, record);
  assert.equal(end, 'start of the thread');
  assert.ok(names.includes('_PyEval_EvalFrameDefault'), names.join(' < '));
  assert.equal(names.at(-1), '_start');
});

test('a program removed from disk while it runs', async (t) => {
  if (!needs(t, isX64 && existsSync('/proc/self/map_files') && process.getuid?.() === 0, 'root on x86-64'))
    return;
  using folder = temporaryFolder();
  const path = join(folder.path, 'removed');
  copyFileSync(pythonPath, path);
  await using python = start(path, ['-c', 'import time\ntime.sleep(60)']);
  const record = await until('a sleeping thread', () => {
    const found = readBlockedThread(python.pid);
    return found && namesOf(python.pid, found).names.includes('clock_nanosleep') && found;
  });
  rmSync(path);
  writeFileSync(path, 'another file by the same name');
  const { names, end } = namesOf(python.pid, record);
  assert.equal(end, 'start of the thread');
  assert.ok(names.includes('Py_BytesMain'), names.join(' < '));
});

test('JavaScript frames have the names V8 wrote down, between those of C++', async (t) => {
  if (!needs(t, isX64 && gdbPath !== null, 'gdb on x86-64')) return;
  const code = `
    function innermostWork(n) { let sum = 0; for (let i = 0; i < n; i++) sum = (sum * 31 + i) % 65537; return sum; }
    function outerCaller(n) { return innermostWork(n) + 1; }
    const end = Date.now() + 30000;
    while (Date.now() < end) outerCaller(2e7);`;
  await using node = start(process.execPath, ['--perf-basic-prof', '-e', code]);
  await delay(700);
  const map = `/tmp/perf-${node.pid}.map`;
  try {
    const stops = await gdbStops(node.pid, { count: 4 });
    const stacks = stops.map((stop) => {
      const image = createProcessImage(node.pid, () => stop.mapsText);
      const symbols = createUserSymbols(node.pid, image);
      const stack = createStackCopy(Number(stop.registers[7]!), stop.stack);
      const { frames, end } = unwind(image, registersOf(stop), stack);
      return {
        end,
        names: frames.map((frame) => symbols.locate(frame.address, frame.isReturnAddress).name ?? '?'),
      };
    });
    const good = stacks.filter(({ end, names }) => {
      const inner = names.findIndex((name) => name.includes('innermostWork') || name.includes('outerCaller'));
      const native = names.findIndex((name) => name.startsWith('node::Start('));
      return inner >= 0 && native > inner && end === 'start of the thread';
    });
    const text = stacks.map(({ end, names }) => `${names.join(' < ')}, ${end}`).join('\n');
    assert.ok(good.length >= stacks.length - 1, text);
  } finally {
    rmSync(map, { force: true });
  }
});

test('the vdso can be unwound and has names', () => {
  const image = createProcessImage(process.pid);
  const symbols = createUserSymbols(process.pid, image);
  image.keepMaps();
  const entry = vdsoOf(image);
  const place = image.find(entry)!;
  const table = place.module!.symbols();
  const index = table.addresses.findIndex((_, i) => /^_*(vdso|kernel)_clock_gettime$/.test(table.nameOf(i)));
  assert.ok(index >= 0, 'clock_gettime');
  const address = entry + table.addresses[index]! - place.linked + 1;
  assert.match(symbols.symbolize(BigInt(address)), /clock_gettime\+0x1 \(\[vdso\]\)/);
  assert.equal(typeof unwindTableOf(place.module!)!.rowAt(table.addresses[index]! + 1), 'object');
});

function vdsoOf(image: ReturnType<typeof createProcessImage>): number {
  const address = /^([0-9a-f]+)-.*\[vdso\]$/m.exec(readMaps())![1]!;
  assert.ok(image.find(Number.parseInt(address, 16)));
  return Number.parseInt(address, 16);
}

function readMaps(): string {
  return process.getBuiltinModule('node:fs').readFileSync('/proc/self/maps', 'utf8');
}
