// Goal: what an ELF file says is read right, from debug files too, and lies in it do no harm. Method: programs built
// here, stripped and split as distributions do; real files changed at random.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { temporaryFolder } from '../../../test/fixtures/guard.ts';
import { findProgram } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { openEhFrame } from '../unwind/eh-frame.ts';
import { createUnwindTable, readUnwindSections } from '../unwind/unwind-table.ts';
import { bytesSource, withFile } from './byte-source.ts';
import { readDebugLink, readDebugSymbols } from './debug-file.ts';
import { findSection, linkedAddress, readElfHeader } from './elf-header.ts';
import { readSymbols } from './elf-symbols.ts';
import { readPltSymbols } from './plt-symbols.ts';

const PROGRAM = `#include <stdio.h>
static __attribute__((noinline)) int hidden(int n) { return printf("%d", n) + puts("x"); }
int main(int n) { return hidden(n); }`;
const isReady =
  ['gcc', 'objcopy', 'strip'].every((name) => findProgram(name) !== null) && process.arch === 'x64';

function build(folder: string, ...options: string[]): string {
  const path = join(folder, 'program');
  writeFileSync(join(folder, 'program.c'), PROGRAM);
  execFileSync('gcc', ['-O1', ...options, join(folder, 'program.c'), '-o', path]);
  return path;
}

const namesIn = (path: string) =>
  withFile(path, (source) => {
    const table = readSymbols(source, readElfHeader(source));
    return Array.from(table.addresses, (_, i) => table.nameOf(i));
  })!;

test('a stripped program gets its names back by build-id', (t) => {
  if (!needs(t, isReady, 'gcc and binutils')) return;
  using folder = temporaryFolder();
  const path = build(folder.path, '-Wl,--build-id=0xabcdef0123456789');
  execFileSync('objcopy', ['--only-keep-debug', path, join(folder.path, 'kept')]);
  execFileSync('strip', [path]);
  assert.ok(!namesIn(path).includes('hidden'));
  const header = withFile(path, readElfHeader)!;
  assert.equal(header.buildId, 'abcdef0123456789');
  const debugFolder = join(folder.path, 'debug');
  mkdirSync(join(debugFolder, '.build-id', 'ab'), { recursive: true });
  const find = () => readDebugSymbols(path, header.buildId, null, ['/'], debugFolder);
  assert.equal(find(), null);
  renameSync(join(folder.path, 'kept'), join(debugFolder, '.build-id', 'ab', 'cdef0123456789.debug'));
  const symbols = find()!;
  const index = symbols.addresses.findIndex((_, i) => symbols.nameOf(i) === 'hidden');
  assert.ok(index >= 0);
  assert.equal(symbols.indexAt(symbols.addresses[index]! + 3), index);
  // Another build's file at that place is not believed.
  assert.equal(readDebugSymbols(path, 'abcdef01234567890', null, ['/'], debugFolder), null);
});

test('a stripped program gets its names back by its debug link, if the checksum is right', (t) => {
  if (!needs(t, isReady, 'gcc and binutils')) return;
  using folder = temporaryFolder();
  const path = build(folder.path, '-Wl,--build-id=none');
  const kept = join(folder.path, 'program.debug');
  execFileSync('objcopy', ['--only-keep-debug', path, kept]);
  execFileSync('strip', [path]);
  execFileSync('objcopy', [`--add-gnu-debuglink=${kept}`, path], { cwd: folder.path });
  const link = withFile(path, (source) => readDebugLink(source, readElfHeader(source)))!;
  assert.equal(link.name, 'program.debug');
  const find = () => readDebugSymbols(path, null, link, ['/'], join(folder.path, 'none'));
  assert.ok(find());
  writeFileSync(kept, Buffer.concat([readFileSync(kept), Buffer.from('x')]));
  assert.equal(find(), null);
});

test('entries of a procedure linkage table have the names of what they lead to', (t) => {
  if (!needs(t, isReady, 'gcc and binutils')) return;
  using folder = temporaryFolder();
  for (const option of ['-fcf-protection=none', '-fcf-protection=full', '-Wl,-z,now']) {
    const path = build(folder.path, option, '-Wl,-z,lazy');
    withFile(path, (source) => {
      const header = readElfHeader(source);
      const stubs = readPltSymbols(source, header);
      const found = new Set<string>();
      for (const name of ['.plt', '.plt.sec', '.plt.got']) {
        const section = findSection(header, name);
        for (let at = 0; at < (section?.bytes ?? 0); at += 4) {
          const stub = stubs.find(section!.address + at);
          if (stub) found.add(stub.name);
        }
      }
      assert.ok(found.has('printf@plt') && found.has('puts@plt'), `${option}: ${[...found]}`);
      return true;
    }) ?? assert.fail(option);
  }
});

test('linked addresses', () => {
  const segments = [
    { offset: 0, address: 0x1000, fileBytes: 0x100, executable: false },
    { offset: 0x200, address: 0x5200, fileBytes: 0x80, executable: true },
  ];
  assert.equal(linkedAddress(segments, 0x10), 0x1010);
  assert.equal(linkedAddress(segments, 0x27f), 0x527f);
  assert.equal(linkedAddress(segments, 0x280), -1);
});

test('a whole program changed or cut anywhere gives less, never an error, within bounds', (t) => {
  if (!needs(t, isReady, 'gcc and binutils')) return;
  using folder = temporaryFolder();
  const good = readFileSync(build(folder.path));
  const header = readElfHeader(bytesSource(good));
  const sectionTable = Number(good.readBigUInt64LE(40));
  // Where lies do most: the headers.
  const place = fc.oneof(
    fc.nat(0x400),
    fc.nat(good.length - sectionTable - 1).map((at) => sectionTable + at),
    fc.nat(good.length - 1),
  );
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      assert.ok(error instanceof RangeError || error instanceof TypeError, String(error));
    }
  };
  fc.assert(
    fc.property(
      fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 12 }),
      fc.nat(good.length),
      fc.boolean(),
      (changes, length, isCut) => {
        const bytes = Buffer.from(isCut ? good.subarray(0, length) : good);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const source = bytesSource(bytes);
        attempt(() => {
          const changed = readElfHeader(source);
          attempt(() => {
            const symbols = readSymbols(source, changed);
            for (let i = 0; i < Math.min(symbols.addresses.length, 50); i++) symbols.nameOf(i);
            symbols.indexAt(0x1180);
          });
          attempt(() => readPltSymbols(source, changed).find(0x1030));
          attempt(() => readDebugLink(source, changed));
          attempt(() => {
            const sections = readUnwindSections(source, changed);
            const table = sections && createUnwindTable(openEhFrame(sections.section, sections.header));
            for (let address = 0x1000; address < 0x1200; address += 37) table?.rowAt(address);
          });
        });
      },
    ),
    { numRuns: 400 },
  );
  assert.ok(header.sections.length > 10);
});
