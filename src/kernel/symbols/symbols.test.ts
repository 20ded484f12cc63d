// Goal: an address gets the name of the function it lies in, or none. Method: this very process, and hostile text.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readElfSymbols } from './elf.ts';
import { createKallsyms, lastNotAbove } from './kallsyms.ts';
import { createUserSymbols, parseMaps } from './user-symbols.ts';

test('kernel addresses', () => {
  const symbols = createKallsyms(() => 'ff10 T first\nff20 t second\t[module]\nff28 d data\n');
  assert.equal(symbols.symbolize(0xff10n), 'first+0x0');
  assert.equal(symbols.symbolize(0xff2fn), 'second+0xf');
  assert.equal(symbols.symbolize(0x1n), '0x1');
});

test('a kernel that hides its addresses gives numbers, not wrong names', () => {
  const symbols = createKallsyms(() => '0000 T first\n0000 T second\n');
  assert.equal(symbols.symbolize(0xff10n), '0xff10');
});

test('search in a sorted array', () => {
  const sorted = BigUint64Array.from([10n, 20n, 20n, 30n]);
  const rows: [bigint, number][] = [
    [9n, -1],
    [10n, 0],
    [20n, 2],
    [29n, 2],
    [99n, 3],
  ];
  for (const [value, index] of rows) assert.equal(lastNotAbove(sorted, value), index, String(value));
});

test('a function of our own executable is found by its address', () => {
  const elf = readElfSymbols(process.execPath);
  assert.ok(elf && elf.names.length > 1000, 'the node binary has symbols');
  const index = elf.names.findIndex((name, i) => name.startsWith('uv_run') && elf.sizes[i]! > 16n);
  assert.ok(index >= 0);
  const segment = elf.segments.find(({ address, fileBytes }) => {
    const linked = elf.addresses[index]!;
    return linked >= address && linked < address + fileBytes;
  })!;
  const offset = elf.addresses[index]! - segment.address + segment.offset;
  const map = parseMaps(readFileSync('/proc/self/maps', 'utf8')).find(
    (entry) =>
      entry.path === process.execPath &&
      offset >= entry.offset &&
      offset < entry.offset + entry.end - entry.start,
  )!;
  const name = createUserSymbols(process.pid).symbolize(map.start + offset - map.offset + 4n);
  assert.equal(name, `${elf.names[index]}+0x4 (node)`);
});

test('maps: only what can be executed, paths with spaces, deleted files', () => {
  const maps = parseMaps(
    '1000-2000 r-xp 00000000 fe:00 12 /opt/a b (deleted)\n2000-3000 rw-p 0 0:0 0\n3000-4000 r-xp 0 0:0 0 [vdso]\nnonsense\n',
  );
  assert.deepEqual(
    maps.map(({ path }) => path),
    ['/opt/a b (deleted)', '[vdso]'],
  );
});

test('files that are no ELF, or lie about themselves, give nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-elf-'));
  try {
    const path = join(folder, 'x');
    const lying = Buffer.alloc(64);
    lying.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
    lying.writeBigUInt64LE(1n << 62n, 40);
    lying.writeUInt16LE(65535, 60);
    for (const content of [Buffer.alloc(0), Buffer.from('#!/bin/sh\n'), Buffer.alloc(64), lying]) {
      writeFileSync(path, content);
      assert.equal(readElfSymbols(path), null);
    }
    assert.equal(readElfSymbols(join(folder, 'absent')), null);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
