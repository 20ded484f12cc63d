/**
 * Binary inputs of the kinds that a watched process or a kernel brings, changed at random and read as they are in earnest:
 * what is thrown must be a refusal, and what is spent must be in proportion.
 */
import { readFileSync } from 'node:fs';
import { LoopscopeError } from '../../src/base/errors.ts';
import { createPrng, type Prng } from '../../src/base/prng.ts';
import { BTF_KIND, parseBtf } from '../../src/kernel/btf.ts';
import { bytesSource } from '../../src/kernel/symbols/byte-source.ts';
import { readDebugLink } from '../../src/kernel/symbols/debug-file.ts';
import { createEffort, isSpent, within } from '../../src/kernel/symbols/effort.ts';
import { readElfHeader } from '../../src/kernel/symbols/elf-header.ts';
import { readSymbols } from '../../src/kernel/symbols/elf-symbols.ts';
import { readPltSymbols } from '../../src/kernel/symbols/plt-symbols.ts';
import { craftElf } from '../../src/kernel/symbols/testing/crafted-elf.ts';
import { openEhFrame } from '../../src/kernel/unwind/eh-frame.ts';
import { createUnwindTable, readUnwindSections } from '../../src/kernel/unwind/unwind-table.ts';

export const BINARY_KINDS = ['elf', 'eh-frame', 'btf'] as const;
export type BinaryKind = (typeof BINARY_KINDS)[number];

/** Ten times what the dearest needs that was not changed. */
const UNITS_MOST = 100_000;
const WORDS = [0, 1, 2, 8, 24, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const CHANGES_MOST = 6;

const programs = [craftElf({ symbolCount: 40 }), ...smallProgram()];
const frames = ofProgram(programs.at(-1)!);
const btf = smallBtf();

type UnwindSections = NonNullable<ReturnType<typeof readUnwindSections>>;

/** Null when the input of this seed is read as it should be; else what went wrong. */
export function tryBinary(kind: BinaryKind, seed: number): string | null {
  const prng = createPrng(seed);
  const effort = createEffort(UNITS_MOST);
  try {
    within(effort, () => READERS[kind](prng));
    return null;
  } catch (error) {
    if (effort.left < 0) return `more than ${UNITS_MOST} units`;
    return isRefusal(error) ? null : String((error as Error).stack);
  }
}

const READERS: Record<BinaryKind, (prng: Prng) => void> = {
  elf(prng) {
    const bytes = changed(programs[prng.below(programs.length)]!, prng);
    const source = bytesSource(bytes);
    const header = readElfHeader(source);
    for (const read of [
      () => {
        const symbols = readSymbols(source, header);
        for (let i = 0; i < 20; i++) symbols.nameOf(symbols.indexAt(prng.below(0x10000)));
      },
      () => readPltSymbols(source, header).find(prng.below(0x10000)),
      () => readDebugLink(source, header),
      () => {
        const sections = readUnwindSections(source, header);
        if (sections) askRows(sections, prng);
      },
    ]) {
      unlessRefused(read);
    }
  },
  'eh-frame'(prng) {
    const { section, header } = frames;
    const isIndexed = header !== null && prng.below(2) === 0;
    askRows(
      {
        section: { bytes: changed(section.bytes, prng), address: section.address },
        header: isIndexed ? { bytes: changed(header.bytes, prng), address: header.address } : null,
      },
      prng,
    );
  },
  btf(prng) {
    const reader = parseBtf(changed(btf, prng));
    for (let id = 0; id < Math.min(reader.typeCount, 40); id++) {
      unlessRefused(() => reader.nameOf(id));
      unlessRefused(() => reader.target(id));
      unlessRefused(() => reader.byteLengthOf(id));
      unlessRefused(() => reader.structById(id));
    }
    for (const path of ['a', 'low', 'in.x', 'none']) unlessRefused(() => reader.field('outer', path));
    unlessRefused(() => reader.enumValues('colour'));
    unlessRefused(() => reader.variableOffset('.data', 'second'));
  },
};

/** A sentence for the user, or what readers of files throw and their callers take for "malformed"; not what V8 throws. */
function isRefusal(error: unknown): boolean {
  if (error instanceof LoopscopeError) return true;
  const isOurs = error instanceof RangeError || (error as Error).message.startsWith('not a 64-bit');
  return isOurs && !/call stack|array (buffer )?(length|allocation)/i.test((error as Error).message);
}

/** Refusals of one question leave the others to be asked. */
function unlessRefused(ask: () => unknown): void {
  try {
    ask();
  } catch (error) {
    if (isSpent(error) || !isRefusal(error)) throw error;
  }
}

function askRows({ section, header }: UnwindSections, prng: Prng): void {
  const table = createUnwindTable(openEhFrame(section, header));
  const from = prng.below(0x20000);
  for (let i = 0; i < 8; i++) {
    table.rowAt(from + i * 97);
    table.startOf(from + i * 97);
  }
}

/** Bytes, words, or the length changed. */
function changed(bytes: Uint8Array, prng: Prng): Uint8Array {
  const copy = Uint8Array.from(
    prng.below(10) === 0 ? bytes.subarray(0, prng.below(bytes.length + 1)) : bytes,
  );
  const view = new DataView(copy.buffer);
  const count = 1 + prng.below(CHANGES_MOST);
  for (let i = 0; i < count && copy.length >= 8; i++) {
    // Headers and tables of them lie at both ends: most of what decides is there.
    const span = prng.below(3) === 0 ? copy.length : Math.min(copy.length, 512);
    const near = prng.below(span - 7);
    const at = prng.below(2) === 0 ? near : copy.length - 8 - near;
    if (prng.below(2) === 0) copy[at] = prng.below(256);
    else view.setUint32(at, WORDS[prng.below(WORDS.length)]!, true);
  }
  return copy;
}

/** A real program with all that linkers put into one, where there is a small one. */
function smallProgram(): Uint8Array[] {
  for (const path of ['/usr/bin/true', '/bin/true', '/usr/bin/env']) {
    try {
      const bytes = readFileSync(path);
      if (bytes.length < 200_000) return [bytes];
    } catch {
      // Another.
    }
  }
  return [];
}

function ofProgram(bytes: Uint8Array) {
  const source = bytesSource(bytes);
  return readUnwindSections(source, readElfHeader(source))!;
}

/** Structs in each other, an array, an enum, a variable in its section. */
function smallBtf(): Uint8Array {
  const { INT, ARRAY, STRUCT, UNION, ENUM, TYPEDEF, VAR, DATASEC } = BTF_KIND;
  const strings = [
    '',
    'int',
    'u64',
    'inner',
    'outer',
    'a',
    'in',
    'x',
    'low',
    'colour',
    'RED',
    'second',
    '.data',
  ];
  const text = `${strings.join('\0')}\0`;
  const named = (name: string) => (name === '' ? 0 : text.indexOf(`\0${name}\0`) + 1);
  const types: [string, number, number, number, ...(number | string)[]][] = [
    ['int', INT, 0, 4, 32],
    ['u64', TYPEDEF, 0, 1],
    ['', ARRAY, 0, 0, 1, 1, 5],
    ['', UNION, 1, 8, 'low', 1, 0],
    ['inner', STRUCT, 1, 4, 'x', 1, 0],
    ['outer', STRUCT, 4, 48, 'a', 2, 0, '', 4, 64, 'x', 3, 128, 'in', 5, 288],
    ['colour', ENUM, 1, 4, 'RED', 7],
    ['second', VAR, 0, 6, 0],
    ['.data', DATASEC, 1, 64, 8, 16, 48],
  ];
  const words = types.flatMap(([name, kind, length, size, ...rest]) => [
    named(name),
    length | (kind << 24),
    size,
    ...rest.map((item) => (typeof item === 'string' ? named(item) : item)),
  ]);
  const bytes = Buffer.alloc(24 + words.length * 4 + text.length);
  bytes.writeUInt16LE(0xeb9f, 0);
  bytes.writeUInt8(1, 2);
  for (const [at, word] of [24, 0, words.length * 4, words.length * 4, text.length].entries()) {
    bytes.writeUInt32LE(word, 4 + at * 4);
  }
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word, 24 + i * 4);
  bytes.write(text, 24 + words.length * 4, 'latin1');
  return bytes;
}
