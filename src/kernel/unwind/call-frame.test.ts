// Goal: every call frame instruction, pointer encoding and expression operation that compilers emit is followed, and
// hostile ones end. Method: sections written here byte by byte; real sections changed at random.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesSource } from '../symbols/byte-source.ts';
import { readElfHeader } from '../symbols/elf-header.ts';
import { RULE, rowAt } from './call-frame-program.ts';
import { cursorAt, readEncoded, readSleb, readUleb } from './dwarf-cursor.ts';
import { openEhFrame, type SectionBytes } from './eh-frame.ts';
import { evaluate } from './expression.ts';
import { createUnwindTable, readUnwindSections } from './unwind-table.ts';

const ADDRESS = 0x2000;
const START = 0x1000;

const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255];
const padded = (bytes: number[]) => [...bytes, ...new Array((4 - (bytes.length % 4)) % 4).fill(0)];

/** One CIE (def_cfa rsp+8, return address at CFA−8) and one FDE of 256 bytes of code at START. */
function sectionOf(
  program: number[],
  { augmentation = 'zR', data = [0x1b], initial = [0x0c, 7, 8, 0x90, 1] } = {},
) {
  const text = [...augmentation].map((letter) => letter.charCodeAt(0));
  const cie = padded([...u32(0), 1, ...text, 0, 1, 0x78, 16, data.length, ...data, ...initial]);
  const place = ADDRESS + 4 + cie.length + 8;
  const fde = padded([...u32(cie.length + 8), ...u32(START - place), ...u32(256), 0, ...program]);
  const bytes = Uint8Array.from([...u32(cie.length), ...cie, ...u32(fde.length), ...fde, ...u32(0)]);
  return { bytes, address: ADDRESS };
}

function rulesAt(section: SectionBytes, address: number) {
  const fde = openEhFrame(section, null).find(address);
  assert.ok(fde, 'covered');
  const row = rowAt(section, fde, address);
  const rules: Record<number, [number, number]> = {};
  for (let i = 0; i < row.rules.length; i += 3) rules[row.rules[i]!] = [row.rules[i + 1]!, row.rules[i + 2]!];
  return { row, rules };
}

const RA = { 16: [RULE.offset, -8] };

const PROGRAMS: { name: string; program: number[]; at?: number; cfa: [number, number]; rules: object }[] = [
  { name: 'nothing', program: [], cfa: [7, 8], rules: RA },
  {
    name: 'a push, after it',
    program: [0x41, 0x0e, 16, 0x86, 2],
    at: 1,
    cfa: [7, 16],
    rules: { ...RA, 6: [RULE.offset, -16] },
  },
  { name: 'a push, before it', program: [0x41, 0x0e, 16, 0x86, 2], at: 0, cfa: [7, 8], rules: RA },
  {
    name: 'advance_loc1, 2, 4',
    program: [2, 10, 0x0e, 16, 3, 10, 0, 0x0e, 24, 4, 10, 0, 0, 0, 0x0e, 32],
    at: 29,
    cfa: [7, 24],
    rules: RA,
  },
  { name: 'def_cfa_register', program: [0x0d, 6], cfa: [6, 8], rules: RA },
  {
    name: 'remember and restore',
    program: [0x0a, 0x0e, 64, 0x83, 3, 0x41, 0x0b],
    at: 1,
    cfa: [7, 8],
    rules: RA,
  },
  { name: 'restore to the CIE’s rule', program: [0x07, 16, 0xc0 | 16], cfa: [7, 8], rules: RA },
  { name: 'restore_extended', program: [0x90, 4, 0x06, 16], cfa: [7, 8], rules: RA },
  {
    name: 'undefined, same_value, register',
    program: [0x07, 16, 0x83, 2, 0x08, 3, 0x09, 12, 13],
    cfa: [7, 8],
    rules: { 16: [RULE.undefined, 0], 12: [RULE.register, 13] },
  },
  {
    name: 'signed and negative offsets',
    program: [0x12, 6, 0x7e, 0x11, 3, 0x7f, 0x2f, 12, 2],
    cfa: [6, 16],
    rules: { ...RA, 3: [RULE.offset, 8], 12: [RULE.offset, 16] },
  },
  {
    name: 'val_offset',
    program: [0x14, 7, 1, 0x15, 3, 0x7f],
    cfa: [7, 8],
    rules: { ...RA, 7: [RULE.valOffset, -8], 3: [RULE.valOffset, 8] },
  },
  { name: 'args_size changes nothing', program: [0x2e, 0x90, 1, 0x0e, 24], cfa: [7, 24], rules: RA },
  {
    name: 'vector registers are stepped over',
    program: [0x05, 0xc8, 0, 2, 0x0e, 24],
    cfa: [7, 24],
    rules: RA,
  },
];

for (const { name, program, at = 0, cfa, rules } of PROGRAMS) {
  test(`call frame: ${name}`, () => {
    const found = rulesAt(sectionOf(program), START + at);
    assert.deepEqual([found.row.cfaRegister, found.row.cfaOffset], cfa);
    assert.deepEqual(found.rules, rules);
  });
}

test('expressions as rules lead to their blocks', () => {
  const section = sectionOf([0x0f, 2, 0x77, 8, 0x10, 3, 2, 0x23, 16, 0x16, 12, 1, 0x35]);
  const { row, rules } = rulesAt(section, START);
  const context = { register: (index: number) => BigInt(index * 1000), readWord: () => null };
  assert.equal(row.cfaRegister, -1);
  assert.equal(evaluate(section, row.cfaOffset, context, null), 7008n);
  assert.equal(evaluate(section, rules[3]![1], context, 100n), 116n);
  assert.equal(evaluate(section, rules[12]![1], context, 100n), 5n);
});

test('augmentations: signal frames, personality and LSDA, signed return addresses', () => {
  const options = { augmentation: 'zPLRS', data: [0x9b, 1, 2, 3, 4, 0x1b, 0x1b] };
  assert.equal(rulesAt(sectionOf([], options), START).row.isSignalFrame, true);
  const signed = sectionOf([0x2d, 0x41, 0x2d], { augmentation: 'zRB', data: [0x1b], initial: [0x0c, 31, 0] });
  assert.equal(rulesAt(signed, START).row.isReturnSigned, true);
  assert.equal(rulesAt(signed, START + 1).row.isReturnSigned, false);
});

const HOSTILE: [string, number[]][] = [
  ['a state that was not remembered', [0x0b]],
  ['remembering without end', new Array(500).fill(0x0a)],
  ['an unknown instruction', [0x3f]],
  ['a number without end', [0x0e, ...new Array(20).fill(0xff)]],
  ['a block beyond the end', [0x0f, 0x7f]],
];

for (const [name, program] of HOSTILE) {
  test(`call frame: ${name} is malformed`, () => {
    const table = createUnwindTable(openEhFrame(sectionOf(program), null));
    assert.equal(table.rowAt(START + 255), 'malformed');
    assert.equal(table.rowAt(START + 256), 'none');
    assert.equal(table.rowAt(START - 1), 'none');
  });
}

test('numbers', () => {
  const cursor = (...bytes: number[]) => cursorAt(Uint8Array.from(bytes), 0x1000);
  assert.equal(readUleb(cursor(0xe5, 0x8e, 0x26)), 624485);
  assert.equal(readSleb(cursor(0xc0, 0xbb, 0x78)), -123456);
  assert.equal(readSleb(cursor(0x7f)), -1);
  assert.equal(readEncoded(cursor(0xfc, 0xff, 0xff, 0xff), 0x1b), 0x0ffc);
  assert.equal(readEncoded(cursor(0x10, 0), 0x02), 0x10);
  assert.equal(readEncoded(cursor(0x10, 0, 0, 0), 0x3b, 0x5000), 0x5010);
  assert.equal(readEncoded(cursor(8, 0, 0, 0, 0, 0, 0, 0), 0x00), 8);
  assert.throws(() => readEncoded(cursor(1, 2), 0x1b), RangeError);
  assert.throws(() => readEncoded(cursor(255, 255, 255, 255, 255, 255, 255, 127), 0x04), RangeError);
});

const EXPRESSIONS: [string, number[], bigint | null][] = [
  // What linkers write for a procedure linkage table: 8 bytes more once the entry has pushed.
  ['plt, before the push', [0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22], 7008n],
  ['arithmetic', [0x35, 0x33, 0x1c, 0x34, 0x1e, 0x08, 3, 0x1b], 2n],
  ['bits', [0x0a, 0xff, 0x0f, 0x38, 0x25, 0x33, 0x21, 0x31, 0x27], 14n],
  ['stack operations', [0x31, 0x32, 0x33, 0x17, 0x16, 0x14, 0x13, 0x12, 0x22], 2n],
  ['comparison of signed numbers', [0x09, 0xff, 0x30, 0x2d], 1n],
  ['a branch taken', [0x31, 0x28, 1, 0, 0x35, 0x36], 6n],
  ['negative numbers wrap', [0x11, 0x7f], (1n << 64n) - 1n],
  ['memory', [0x08, 64, 0x06], 0x1122334455667788n],
  ['a part of memory', [0x08, 64, 0x94, 2], 0x7788n],
  ['memory we have no copy of', [0x08, 65, 0x06], null],
];

for (const [name, block, value] of EXPRESSIONS) {
  test(`expression: ${name}`, () => {
    const section = { bytes: Uint8Array.from([block.length, ...block]), address: 0 };
    const context = {
      register: (index: number) => BigInt(index * 1000),
      readWord: (address: number) => (address === 64 ? 0x1122334455667788n : null),
    };
    assert.equal(evaluate(section, 0, context, null), value);
  });
}

test('expressions without end, or of nonsense, end', () => {
  const context = { register: () => 1n, readWord: () => 1n };
  const endless = { bytes: Uint8Array.from([3, 0x2f, 0xfd, 0xff]), address: 0 };
  assert.throws(() => evaluate(endless, 0, context, null), RangeError);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (block) => {
      const section = { bytes: Uint8Array.from([block.length, ...block]), address: 0 };
      try {
        evaluate(section, 0, context, 8n);
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('the index in .eh_frame_hdr and a walk through .eh_frame find the same', () => {
  const { section, header } = libc();
  const indexed = openEhFrame(section, header);
  const walked = openEhFrame(section, null);
  let count = 0;
  for (let address = section.address - (1 << 20); address < section.address; address += 4093) {
    const found = indexed.find(address);
    count += found ? 1 : 0;
    assert.deepEqual(found, walked.find(address));
  }
  assert.ok(count > 50, String(count));
});

test('unwind information changed anywhere gives rows or none, never an error', () => {
  const { section, header } = libc();
  const from = 0x4000;
  const bytes = section.bytes.slice(0, from * 2);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
      fc.nat(0x20_0000),
      fc.boolean(),
      (changes, address, isIndexed) => {
        const changed = bytes.slice();
        for (const [at, value] of changes) changed[at] = value;
        const frames = openEhFrame({ bytes: changed, address: section.address }, isIndexed ? header : null);
        const table = createUnwindTable(frames);
        for (let i = 0; i < 8; i++) table.rowAt(address + i * 997);
      },
    ),
    { numRuns: 300 },
  );
});

function libc() {
  const path = /\S*\/libc[-.]\S*$/m.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0] ?? process.execPath;
  const source = bytesSource(readFileSync(path));
  const sections = readUnwindSections(source, readElfHeader(source));
  assert.ok(sections?.header, path);
  return { section: sections.section, header: sections.header };
}
