// Goal: the unwinder on stacks of real programs, where neither they nor gdb are. Method: recorded stops of nginx,
// redis-server and python3 with gdb's frames; arm64 and hostile stacks made by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesSource } from '../symbols/byte-source.ts';
import type { ElfHeader } from '../symbols/elf-header.ts';
import type { ElfModule } from '../symbols/elf-module.ts';
import { NO_SYMBOLS } from '../symbols/elf-symbols.ts';
import type { ProcessImage } from '../symbols/process-image.ts';
import { createUserSymbols } from '../symbols/user-symbols.ts';
import { ARM64, emptyRegisters, readRegisters, setRegister, X64 } from './registers.ts';
import { createStackCopy, decodeStackRecord } from './stack-copy.ts';
import { registersOf } from './testing/gdb-stops.ts';
import { free, imageOf, readRecording } from './testing/recording.ts';
import { unwind } from './unwind.ts';

const PROGRAMS = ['nginx', 'redis-server', 'python3'];

for (const name of PROGRAMS) {
  test(`a recorded stop of ${name}: gdb’s frames and names`, () => {
    const recording = readRecording(name);
    const registers = registersOf({ registers: recording.registers.map((word) => BigInt(`0x${word}`)) });
    const image = imageOf(recording);
    const symbols = createUserSymbols(0, image);
    const stack = createStackCopy(Number(registers.values[7]!), Buffer.from(recording.stack, 'base64'));
    const { frames, end } = unwind(image, registers, stack);
    assert.equal(end, 'start of the thread');
    assert.deepEqual(
      frames.map(({ address }) => address.toString(16)),
      recording.gdb.map(([address]) => address),
    );
    for (const [i, [, gdbName]] of recording.gdb.entries()) {
      const { address, isReturnAddress } = frames[i]!;
      const place = symbols.locate(address, isReturnAddress);
      if (gdbName !== null) assert.equal(place.name, gdbName, `frame ${i}`);
    }
    assert.deepEqual(unwind(image, registers, stack, 3).end, 'too many frames');
  });
}

test('a stack of anything ends, with a reason', () => {
  const recording = readRecording('nginx');
  const image = imageOf(recording);
  const good = Buffer.from(recording.stack, 'base64');
  const words = recording.registers.map((word) => BigInt(`0x${word}`));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length / 8 - 1), fc.constantFrom(...words)), { maxLength: 60 }),
      fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { maxLength: 4 }),
      (changes, wild) => {
        const bytes = Buffer.from(good);
        for (const [at, word] of changes) bytes.writeBigUInt64LE(word, at * 8);
        const registers = registersOf({ registers: words });
        for (const [i, value] of wild.entries()) setRegister(registers, [7, 6, 3, 12][i]!, value);
        const { frames, end } = unwind(image, registers, createStackCopy(Number(words[7]!), bytes));
        assert.ok(frames.length >= 1 && frames.length <= 512 && end);
      },
    ),
    { numRuns: 500 },
  );
});

test('a record as BPF writes it', () => {
  const recording = readRecording('redis-server');
  const words = recording.registers.map((word) => BigInt(`0x${word}`));
  const bytes = Buffer.alloc(168);
  // struct pt_regs: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs flags rsp ss
  const order = [15, 14, 13, 12, 6, 3, 11, 10, 9, 8, 0, 2, 1, 4, 5, -1, 16, -1, -1, 7, -1];
  for (const [at, index] of order.entries()) if (index >= 0) bytes.writeBigUInt64LE(words[index]!, at * 8);
  bytes.writeBigUInt64LE(0x33n, 17 * 8);
  const record = decodeStackRecord(bytes, new Uint8Array(48), X64)!;
  assert.deepEqual([...record.registers.values.subarray(0, 17)], words);
  assert.equal(record.stack.end - record.stack.start, 48);
  assert.equal(record.stack.start, Number(words[7]));
  // In the kernel, 32-bit code: no user stack that we could follow.
  for (const segment of [0x10n, 0x23n]) {
    bytes.writeBigUInt64LE(segment, 17 * 8);
    assert.equal(decodeStackRecord(bytes, new Uint8Array(48), X64), null);
  }
  assert.equal(readRegisters(X64, bytes.subarray(0, 100)), null);
});

/** arm64: CIE (return address in x30, CFA sp+0), one FDE for 0x1000–0x1100. */
function armImage(program: number[], augmentation = 'zR'): ProcessImage {
  const word = (value: number) => [
    value & 255,
    (value >> 8) & 255,
    (value >> 16) & 255,
    (value >>> 24) & 255,
  ];
  const pad = (bytes: number[]) => [...bytes, ...new Array((4 - (bytes.length % 4)) % 4).fill(0)];
  const letters = [...augmentation].map((letter) => letter.charCodeAt(0));
  const cie = pad([...word(0), 1, ...letters, 0, 4, 0x78, 30, 1, 0x1b, 0x0c, 31, 0]);
  const fde = pad([
    ...word(cie.length + 8),
    ...word(0x1000 - (0x2000 + 4 + cie.length + 8)),
    ...word(0x100),
    0,
    ...program,
  ]);
  const bytes = Uint8Array.from([...word(cie.length), ...cie, ...word(fde.length), ...fde, ...word(0)]);
  const section = {
    name: '.eh_frame',
    type: 1,
    flags: 2,
    address: 0x2000,
    offset: 0,
    bytes: bytes.length,
    link: 0,
    entryBytes: 0,
  };
  const header: ElfHeader = {
    machine: 183,
    segments: [],
    ehFrameHeader: null,
    sections: [section],
    buildId: null,
  };
  const module: ElfModule = {
    name: 'made',
    header,
    read: (use) => use(bytesSource(bytes)),
    symbols: () => NO_SYMBOLS,
    stubs: () => ({ find: () => null, retainedBytes: 0 }),
    retains() {},
  };
  const entry = { start: 0x1000, end: 0x1200, offset: 0, device: '', inode: 0, path: '/made' };
  return {
    ...free(),
    pid: 0,
    keepMaps() {},
    jitNameOf: () => null,
    holdFiles: () => ({ files: [], [Symbol.dispose]() {} }),
    find: (address) => (address >= 0x1000 && address < 0x1200 ? { entry, module, linked: address } : null),
  };
}

test('arm64: saved frame and return registers, signed return addresses, leaves, frame pointers', () => {
  // stp x29, x30, [sp, #-32]! after 4 bytes: CFA = sp + 32, x29 at CFA − 32, x30 at CFA − 24; paciasp before it.
  const program = [0x2d, 0x41, 0x0e, 32, 0x9d, 4, 0x9e, 3];
  const stack = new Uint8Array(128);
  const view = new DataView(stack.buffer);
  const signature = 0x00ab_0000_0000_0000n;
  view.setBigUint64(0, 0x8060n, true);
  view.setBigUint64(8, signature | 0x1150n, true);
  view.setBigUint64(0x60, 0x8070n, true);
  view.setBigUint64(0x68, signature | 0x1180n, true);
  const registers = emptyRegisters(ARM64, 0x1040);
  setRegister(registers, 31, 0x8000n);
  setRegister(registers, 29, 0x8000n);
  setRegister(registers, 30, 0x1111n);
  const result = unwind(armImage(program, 'zRB'), registers, createStackCopy(0x8000, stack));
  assert.deepEqual(
    result.frames.map(({ address, foundBy }) => [Number(address), foundBy]),
    [
      [0x1040, 'registers'],
      [0x1150, 'rules'],
      [0x1180, 'frame-pointer'],
    ],
  );
  assert.equal(result.end, 'no unwind information');
  // In a leaf the return address is still in its register.
  const leaf = emptyRegisters(ARM64, 0x1000);
  setRegister(leaf, 31, 0x8000n);
  setRegister(leaf, 30, signature | 0x1044n);
  const fromLeaf = unwind(armImage(program), leaf, createStackCopy(0x8000, stack));
  assert.deepEqual(
    fromLeaf.frames.slice(0, 3).map(({ address }) => Number(address)),
    [0x1000, 0x1044, 0x1150],
  );
});

test('arm64: registers of user code only', () => {
  const bytes = Buffer.alloc(272);
  bytes.writeBigUInt64LE(0x1234n, 32 * 8);
  bytes.writeBigUInt64LE(0x8000n, 31 * 8);
  assert.equal(readRegisters(ARM64, bytes)!.pc, 0x1234);
  bytes.writeBigUInt64LE(5n, 33 * 8);
  assert.equal(readRegisters(ARM64, bytes), null);
});

test('a call through a wild pointer shows who called', () => {
  const image = armImage([]);
  const stack = new Uint8Array(16);
  new DataView(stack.buffer).setBigUint64(0, 0x1150n, true);
  const registers = emptyRegisters(X64, 0x41);
  setRegister(registers, 7, 0x8000n);
  const { frames } = unwind(image, registers, createStackCopy(0x8000, stack));
  assert.deepEqual(
    frames.slice(0, 2).map(({ address, foundBy }) => [Number(address), foundBy]),
    [
      [0x41, 'registers'],
      [0x1150, 'call'],
    ],
  );
});
