// Goal: a process that was made to be dear to look at costs no more than looking may: its addresses stay numbers then, and
// are counted. Method: crafted ELF files, mapped as far as the image knows, and chains of return addresses through them; what
// was spent is counted, not timed.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createProcessImage, createWatchEffort } from '../symbols/process-image.ts';
import { CODE_AT, type Craft, writeCraftedElf } from '../symbols/testing/crafted-elf.ts';
import { createUserSymbols } from '../symbols/user-symbols.ts';
import { emptyRegisters, setRegister, X64 } from './registers.ts';
import { createStackCopy } from './stack-copy.ts';
import { unwind } from './unwind.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-costly-'));
after(() => rmSync(folder, { recursive: true }));
let fileCount = 0;

const BASE = 0x10_0000_0000;
const STEP = 0x1000_0000;
const STACK_AT = 0x7000_0000;
/** More than one look, and all files of one process, may ever cost. */
const MOST_UNITS = 2_500_000;
const COUNTED = 1e15;

/** A process that maps `count` files of a craft, and is in a call from each to the next. */
function processOf(count: number, craft: (index: number) => Craft) {
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const path = join(folder, `crafted-${fileCount++}`);
    writeCraftedElf(path, craft(i));
    const { ino, size } = statSync(path);
    const start = BASE + i * STEP;
    lines.push(`${start.toString(16)}-${(start + size).toString(16)} r-xp 00000000 00:00 ${ino} ${path}`);
  }
  const watch = createWatchEffort();
  watch.all.left = COUNTED;
  const image = createProcessImage(process.pid, () => `${lines.join('\n')}\n`, watch);
  const words = new BigUint64Array(4096).map((_, i) => BigInt(BASE + (i % count) * STEP + CODE_AT + 16));
  return {
    image,
    symbols: createUserSymbols(process.pid, image),
    spentUnits: () => COUNTED - watch.all.left,
    /** One stack, walked and named as that of a stall is. */
    look(frameLimit = 128) {
      image.beginLook();
      const registers = emptyRegisters(X64, BASE + CODE_AT + 8);
      setRegister(registers, X64.stackPointer, BigInt(STACK_AT));
      const stack = createStackCopy(STACK_AT, new Uint8Array(words.buffer));
      const { frames, end } = unwind(image, registers, stack, frameLimit);
      return { end, names: frames.map(({ address }) => this.symbols.symbolize(address)) };
    },
  };
}

const nops = (count: number) => new Uint8Array(count);
const advances = (count: number) => new Uint8Array(count).fill(0x0a);

test('an ordinary stack is walked and named whole', () => {
  const process = processOf(3, () => ({}));
  const { end, names } = process.look(100);
  assert.equal(end, 'too many frames');
  assert.equal(names.length, 100);
  for (const name of names) assert.match(name, /^s0x+\+0x\w+ \(crafted-\d+\)$/);
  assert.equal(process.image.watch.addressesNotNamed, 0);
});

const DEAR: [name: string, count: number, craft: (index: number) => Craft][] = [
  ['many files with many symbols', 300, () => ({ emptyRowCount: 20_000 })],
  ['a million symbols in each', 16, () => ({ symbolCount: 100, emptyRowCount: 1_000_000 })],
  ['a million symbols in one', 1, () => ({ symbolCount: 1_000_000, nameBytes: 6 })],
  ['programmes of call frames as long as they may be', 128, () => ({ program: nops((1 << 17) - 64) })],
  ['programmes that remember and never restore', 128, () => ({ program: advances(1 << 17) })],
  ['names of a megabyte', 2, () => ({ symbolCount: 2, nameBytes: 1 << 20 })],
];

for (const [name, count, craft] of DEAR) {
  test(`bounded: ${name}`, () => {
    const process = processOf(count, craft);
    for (let i = 0; i < 20; i++) {
      const before = process.spentUnits();
      const { names } = process.look();
      assert.ok(names.length <= 128);
      for (const each of names) assert.ok(each.length < 1200, `a name of ${each.length}`);
      assert.ok(
        process.spentUnits() - before < MOST_UNITS,
        `look ${i}: ${process.spentUnits() - before} units`,
      );
    }
    // All looks together: the files once, and of each look its own share.
    assert.ok(process.spentUnits() < MOST_UNITS + 20 * 250_000, String(process.spentUnits()));
  });
}

test('what was left unnamed is counted, and stays a number', () => {
  const process = processOf(300, () => ({ emptyRowCount: 20_000 }));
  for (let i = 0; i < 3; i++) process.look();
  const addresses = Array.from({ length: 300 }, (_, i) => BigInt(BASE + i * STEP + CODE_AT));
  const named = addresses.map((address) => process.symbols.symbolize(address));
  const numbers = named.filter((each) => /^0x\w+$/.test(each));
  assert.ok(numbers.length > 0 && numbers.length < 300, `${numbers.length} of 300`);
  assert.ok(process.image.watch.addressesNotNamed >= numbers.length);
});

test('a report may take so much in all, whatever is left of the rest', () => {
  const process = processOf(40, () => ({ symbolCount: 1000 }));
  process.image.watch.all.left = 1000;
  const { names } = process.look();
  assert.ok(process.image.watch.all.left > -100_000, String(process.image.watch.all.left));
  assert.ok(names.some((name) => /^0x/.test(name)));
});
