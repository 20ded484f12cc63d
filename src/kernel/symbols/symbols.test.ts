// Goal: an address gets the name of the function it lies in, or none. Method: this very process, and hostile text.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { findProgram, start, until } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { withFile } from './byte-source.ts';
import { linkedAddress, readElfHeader } from './elf-header.ts';
import { readSymbols } from './elf-symbols.ts';
import { parseJitMap } from './jit-map.ts';
import { createKallsyms } from './kallsyms.ts';
import { createProcessImage } from './process-image.ts';
import { parseMaps } from './process-maps.ts';
import { lastNotAbove } from './sorted.ts';
import { craftElf } from './testing/crafted-elf.ts';
import { createUserSymbols } from './user-symbols.ts';

function readElfSymbols(path: string) {
  return withFile(path, (source) => {
    const header = readElfHeader(source);
    return { ...readSymbols(source, header), segments: header.segments };
  });
}

test('kernel addresses', () => {
  const symbols = createKallsyms(() => Buffer.from('ff10 T first\nff20 t second\t[module]\nff28 d data\n'));
  assert.equal(symbols.symbolize(0xff10n), 'first+0x0');
  assert.equal(symbols.symbolize(0xff2fn), 'second+0xf');
  assert.equal(symbols.symbolize(0x1n), '0x1');
});

test('a kernel that hides its addresses gives numbers, not wrong names', () => {
  const symbols = createKallsyms(() => Buffer.from('0000 T first\n0000 T second\n'));
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
  assert.ok(elf && elf.addresses.length > 1000, 'the node binary has symbols');
  const index = elf.sizes.findIndex((bytes, i) => bytes > 16 && elf.nameOf(i).startsWith('uv_run'));
  assert.ok(index >= 0);
  const map = parseMaps(readFileSync('/proc/self/maps', 'utf8')).entries.find(
    ({ path, start, end, offset }) => {
      if (path !== process.execPath) return false;
      const from = linkedAddress(elf.segments, offset);
      return elf.addresses[index]! >= from && elf.addresses[index]! < from + end - start;
    },
  )!;
  const address = elf.addresses[index]! - linkedAddress(elf.segments, map.offset) + map.start + 4;
  const name = createUserSymbols(process.pid).symbolize(BigInt(address));
  assert.equal(name, `${elf.nameOf(index)}+0x4 (node)`);
});

test('maps: only what can be executed, paths with spaces, deleted files', () => {
  const maps = parseMaps(
    '1000-2000 r-xp 00000000 fe:00 12 /opt/a b (deleted)\n2000-3000 rw-p 0 0:0 0\n3000-4000 r-xp 0 0:0 0 [vdso]\nnonsense\n',
  );
  assert.deepEqual(
    maps.entries.map(({ path }) => path),
    ['/opt/a b (deleted)', '[vdso]'],
  );
  // A file's name may hold every byte but "/" and 0; only a newline is spelt out.
  const odd = parseMaps('1000-2000 r-xp 00000000 fe:00 12      /opt/with\r, \u2028 and \\012\n');
  assert.equal(odd.entries[0]?.path, '/opt/with\r, \u2028 and \n');
});

test('kernel symbols out of order, long and short lines, an unfinished one', () => {
  const text =
    'ffffffff81000000 T a\nffffffffc0000000 t late\t[m]\nffffffff81000100 t b\n\nx\nffffffff81000200 T';
  const symbols = createKallsyms(() => Buffer.from(text));
  assert.equal(symbols.symbolize(0xffffffff81000110n), 'b+0x10');
  assert.equal(symbols.symbolize(0xffffffff810000ffn), 'a+0xff');
  assert.equal(symbols.symbolize(0xffffffffc0000001n), 'late+0x1');
  // A gap between the kernel and its modules belongs to no function.
  assert.equal(symbols.symbolize(0xffffffffa0000000n), '0xffffffffa0000000');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      createKallsyms(() => Buffer.from(bytes)).symbolize(0x10n);
    }),
  );
});

test('the kernel of this machine', (t) => {
  const line = readFileSync('/proc/kallsyms', 'latin1').match(
    /^([0-9a-f]+) T (do_epoll_wait|__schedule|schedule)$/m,
  );
  if (!needs(t, line !== null && !/^0+$/.test(line[1]!), 'kernel addresses (kernel.kptr_restrict)')) return;
  assert.equal(createKallsyms().symbolize(BigInt(`0x${line![1]}`) + 3n), `${line![2]}+0x3`);
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
      // Without section headers that can be read there are still segments, as in a packed program.
      assert.equal(readElfSymbols(path)?.addresses.length ?? 0, 0);
    }
    assert.equal(readElfSymbols(join(folder, 'absent')), null);
    assert.equal(readElfSymbols(folder), null);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an ELF file cut short or changed anywhere never throws', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-elf-'));
  try {
    const good = tinyElf();
    const path = join(folder, 'x');
    writeFileSync(path, good);
    const elf = readElfSymbols(path)!;
    assert.deepEqual([...elf.addresses], [0x1000, 0x1040]);
    assert.equal(elf.indexAt(0x100f), 0);
    assert.equal(elf.indexAt(0x1010), -1);
    assert.deepEqual([elf.nameOf(0), elf.nameOf(1), elf.nameOf(9)], ['alpha', 'beta', '']);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        const changed = Buffer.from(good.subarray(0, length));
        if (at < length) changed[at] = value;
        writeFileSync(path, changed);
        const symbols = readElfSymbols(path);
        for (let i = 0; i < (symbols?.addresses.length ?? 0); i++) symbols!.nameOf(i);
      }),
      { numRuns: 300 },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('code that a JIT wrote down', () => {
  const map = parseJitMap(
    '1000 20 LazyCompile:*handle /srv/app.js:12\nnonsense\n1000 10 again\n0x3000 8 Builtin:x y\n',
  );
  assert.equal(map.nameOf(0x1008n), 'again');
  assert.equal(map.nameOf(0x1018n), null);
  assert.equal(map.nameOf(0x3007n), 'Builtin:x y');
  assert.equal(map.nameOf(0xfffn), null);
});

test('a map of JIT code is taken only as a plain file, and never waited for', async (t) => {
  await using sleeper = start('sleep', ['100']);
  const path = `/tmp/perf-${sleeper.pid}.map`;
  const address = 0x7654_3210n;
  const named = () => createUserSymbols(sleeper.pid).symbolize(address);
  try {
    writeFileSync(path, `${(address - 2n).toString(16)} 10 jitted\n`);
    assert.equal(named(), 'jitted');
    rmSync(path);
    symlinkSync('/proc/self/stat', path);
    assert.equal(named(), '0x76543210');
    rmSync(path);
    if (!needs(t, findProgram('mkfifo') !== null, 'mkfifo')) return;
    execFileSync('mkfifo', [path]);
    assert.equal(named(), '0x76543210');
  } finally {
    rmSync(path, { force: true });
  }
});

test('a map of JIT code belongs to the process that it is of', async (t) => {
  if (!needs(t, process.getuid?.() === 0 && findProgram('setpriv') !== null, 'root and setpriv')) return;
  await using sleeper = start('setpriv', ['--reuid', '65534', '--clear-groups', 'sleep', '100']);
  await until('it to be another user', () =>
    /^Uid:\t65534\t65534/m.test(readFileSync(`/proc/${sleeper.pid}/status`, 'utf8')),
  );
  const path = `/tmp/perf-${sleeper.pid}.map`;
  const named = () => createUserSymbols(sleeper.pid).symbolize(0x7654_3210n);
  try {
    writeFileSync(path, '76543000 1000 jit\u001b[2Jted\n');
    assert.equal(named(), '0x76543210', 'made by root, as a link of the user to a file of root is');
    chownSync(path, 65534, 65534);
    assert.equal(named(), 'jit·[2Jted');
  } finally {
    rmSync(path, { force: true });
  }
});

test('bytes that are no name are not shown', () => {
  const path = join(tmpdir(), `loopscope-names-${process.pid}`);
  const elf = craftElf({ symbolCount: 1, nameBytes: 8 });
  const at = elf.indexOf('s0xxxxxx');
  try {
    for (const [name, shown] of [
      ['good', /^good\+0x1 /],
      ['a\u001b[2J', /^0x1001 |\+0x1001$/],
      ['\n\n\n', /\+0x1001$/],
    ] as const) {
      elf.fill(0, at, at + 8).write(name, at, 'latin1');
      writeFileSync(path, elf);
      const { ino } = statSync(path);
      const maps = `10000-20000 r-xp 00000000 00:00 ${ino} ${path}\n`;
      const image = createProcessImage(process.pid, () => maps);
      assert.match(createUserSymbols(process.pid, image).symbolize(0x11001n), shown, JSON.stringify(name));
    }
  } finally {
    rmSync(path, { force: true });
  }
});

test('what was kept of a process names its addresses when it has ended', async () => {
  const sleeper = start('sleep', ['100']);
  const symbols = createUserSymbols(sleeper.pid);
  const libc = await until('libc to be mapped', () => {
    const now = parseMaps(readFileSync(`/proc/${sleeper.pid}/maps`, 'utf8'));
    return now.entries.find((entry) => entry.path.includes('libc.so') || entry.path.includes('libc-'));
  });
  symbols.keepMaps();
  const elf = readElfSymbols(libc.path)!;
  const text = elf.segments.find((segment) => segment.offset === libc.offset)!;
  const index = elf.addresses.findIndex(
    (address, i) => address >= text.address && address < text.address + text.fileBytes && elf.sizes[i]! > 8,
  );
  const address = BigInt(libc.start + elf.addresses[index]! - text.address + 2);
  await sleeper.stop();
  assert.match(symbols.symbolize(address), /^\w+\+0x2 \(libc/);
});

test('addresses of a process that is gone stay numbers', () => {
  assert.equal(createUserSymbols(4194305).symbolize(0x1234n), '0x1234');
});

/** Header, one segment, a symbol table with two functions and one object, its strings, three section headers. */
function tinyElf(): Buffer {
  const strings = Buffer.from('\0alpha\0beta\0data\0');
  const [segmentsAt, symbolsAt] = [64, 120];
  const stringsAt = symbolsAt + 4 * 24;
  const sectionsAt = stringsAt + strings.length;
  const elf = Buffer.alloc(sectionsAt + 3 * 64);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeBigUInt64LE(BigInt(segmentsAt), 32);
  elf.writeBigUInt64LE(BigInt(sectionsAt), 40);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt16LE(3, 60);
  elf.writeUInt32LE(1, segmentsAt);
  elf.writeBigUInt64LE(BigInt(elf.length), segmentsAt + 32);
  const symbol = (index: number, name: number, type: number, address: bigint) => {
    const at = symbolsAt + index * 24;
    elf.writeUInt32LE(name, at);
    elf.writeUInt8(type, at + 4);
    elf.writeUInt16LE(1, at + 6);
    elf.writeBigUInt64LE(address, at + 8);
    elf.writeBigUInt64LE(16n, at + 16);
  };
  symbol(1, 7, 2, 0x1040n);
  symbol(2, 1, 0x12, 0x1000n);
  symbol(3, 12, 1, 0x2000n);
  elf.set(strings, stringsAt);
  const section = (index: number, type: number, at: number, bytes: number, link: number) => {
    const header = sectionsAt + index * 64;
    elf.writeUInt32LE(type, header + 4);
    elf.writeBigUInt64LE(BigInt(at), header + 24);
    elf.writeBigUInt64LE(BigInt(bytes), header + 32);
    elf.writeUInt32LE(link, header + 40);
  };
  section(1, 2, symbolsAt, 4 * 24, 2);
  section(2, 3, stringsAt, strings.length, 0);
  return elf;
}
