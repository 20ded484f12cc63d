// Goal: BTF is read rightly, from bytes alone. Method: a table of types built by hand, and damaged ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopscopeError } from '../base/errors.ts';
import { BTF_KIND, parseBtf } from './btf.ts';

/** Writes BTF: a list of type records, each [name, kind, vlen, kindFlag, sizeOrType, ...trailing words]. */
function buildBtf(types: [string, number, number, boolean, number, ...(number | string)[]][]): Uint8Array {
  let strings = '\0';
  const nameOffset = (name: string) => {
    if (name === '') return 0;
    const offset = strings.length;
    strings += `${name}\0`;
    return offset;
  };
  const words: number[] = [];
  for (const [name, kind, vlen, flag, size, ...rest] of types) {
    words.push(nameOffset(name), vlen | (kind << 24) | (flag ? 0x80000000 : 0), size);
    for (const item of rest) words.push(typeof item === 'string' ? nameOffset(item) : item);
  }
  const bytes = new Uint8Array(24 + words.length * 4 + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  view.setUint32(4, 24, true);
  view.setUint32(12, words.length * 4, true);
  view.setUint32(16, words.length * 4, true);
  view.setUint32(20, strings.length, true);
  for (const [i, word] of words.entries()) view.setUint32(24 + i * 4, word >>> 0, true);
  bytes.set(Buffer.from(strings, 'latin1'), 24 + words.length * 4);
  return bytes;
}

const { INT, PTR, ARRAY, STRUCT, UNION, ENUM, TYPEDEF, CONST, FUNC, FUNC_PROTO, VAR, DATASEC } = BTF_KIND;
const btf = parseBtf(
  buildBtf([
    ['int', INT, 0, false, 4, 32], // 1
    ['u64', TYPEDEF, 0, false, 3], // 2
    ['long long', INT, 0, false, 8, 64], // 3
    ['', ARRAY, 0, false, 0, 1, 1, 5], // 4: int[5]
    ['', UNION, 2, false, 8, 'low', 1, 0, 'wide', 2, 0], // 5
    ['inner', STRUCT, 1, false, 4, 'x', 1, 0], // 6
    ['outer', STRUCT, 4, false, 48, 'a', 1, 0, '', 5, 64, 'list', 4, 128, 'in', 6, 288], // 7
    ['bits', STRUCT, 2, true, 4, 'three', 1, (3 << 24) | 0, 'five', 1, (5 << 24) | 3], // 8
    ['colour', ENUM, 2, false, 4, 'RED', 7, 'NONE', 0xffffffff], // 9
    ['', PTR, 0, false, 7], // 10
    ['', FUNC_PROTO, 0, false, 0], // 11
    ['handler', FUNC, 0, false, 11], // 12
    ['', CONST, 0, false, 7], // 13
    ['first', VAR, 0, false, 1, 0], // 14
    ['second', VAR, 0, false, 7, 0], // 15
    ['.data', DATASEC, 2, false, 64, 14, 0, 4, 15, 16, 48], // 16
  ]),
);

test('sizes go through typedefs, qualifiers and arrays', () => {
  assert.equal(btf.byteLengthOf(2), 8);
  assert.equal(btf.byteLengthOf(4), 20);
  assert.equal(btf.byteLengthOf(10), 8);
  assert.equal(btf.byteLengthOf(13), 48);
  assert.equal(btf.byteLengthOf(12), 0);
  assert.equal(btf.typeCount, 17);
});

test('a variable is found in its section', () => {
  assert.equal(btf.variableOffset('.data', 'first'), 0);
  assert.equal(btf.variableOffset('.data', 'second'), 16);
  assert.equal(btf.variableOffset('.data', 'outer'), null);
  assert.equal(btf.variableOffset('.bss', 'second'), null);
});

test('fields are found by path, through anonymous members', () => {
  assert.deepEqual(btf.field('outer', 'a'), { offset: 0, byteLength: 4, typeId: 1 });
  assert.deepEqual(btf.field('outer', 'wide'), { offset: 8, byteLength: 8, typeId: 2 });
  assert.deepEqual(btf.field('outer', 'list'), { offset: 16, byteLength: 20, typeId: 4 });
  assert.deepEqual(btf.field('outer', 'in.x'), { offset: 36, byteLength: 4, typeId: 1 });
  assert.equal(btf.field('outer', 'in.y'), null);
  assert.equal(btf.field('nothing', 'a'), null);
});

test('bit fields, enums and functions', () => {
  const bits = btf.struct('bits');
  assert.deepEqual(
    bits?.members.map(({ name, bitOffset, bitSize }) => [name, bitOffset, bitSize]),
    [
      ['three', 0, 3],
      ['five', 3, 5],
    ],
  );
  assert.deepEqual(
    [...(btf.enumValues('colour') ?? [])],
    [
      ['RED', 7],
      ['NONE', -1],
    ],
  );
  assert.equal(btf.idOf(BTF_KIND.FUNC, 'handler'), 12);
  assert.equal(btf.idOf(BTF_KIND.STRUCT, 'handler'), 0);
  assert.equal(btf.structById(13)?.name, 'outer');
});

test('what is not BTF is refused with the reason', () => {
  const whole = buildBtf([['int', INT, 0, false, 4, 32]]);
  const unknownKind = buildBtf([['odd', 31, 0, false, 4]]);
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /no BTF magic/],
    [
      'an ELF header',
      Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, ...Array<number>(40).fill(0)]),
      /no BTF magic/,
    ],
    ['half a file', whole.subarray(0, 30), /truncated/],
    ['a kind of the future', unknownKind, /unknown kind 31/],
  ];
  for (const [name, bytes, reason] of cases) {
    assert.throws(
      () => parseBtf(bytes),
      (error) => error instanceof LoopscopeError && reason.test(error.message),
      name,
    );
  }
});
