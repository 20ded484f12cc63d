// Goal: stacks of optimised programs without frame pointers are whole, and those that cannot be say why. Method: a
// program built here copies its own stack in many situations; the C library's unwinder tells what is right.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { temporaryFolder } from '../../../test/fixtures/guard.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { createProcessImage } from '../symbols/process-image.ts';
import { createUserSymbols } from '../symbols/user-symbols.ts';
import { createStackCopy } from './stack-copy.ts';
import { buildCapture, type Captured, COMPILERS, runCapture } from './testing/captured.ts';
import { type UnwindEnd, unwind } from './unwind.ts';

/** No such process: files are found by their paths. */
const GONE = 4_194_305;

const PLACES: {
  place: string;
  names: string[];
  end?: UnwindEnd;
  last?: string;
  isBeyondReference?: boolean;
}[] = [
  { place: 'deep', names: ['capture', 'deep', 'deep', 'deep', 'deep', 'deep', 'deep', 'main'] },
  { place: 'variable', names: ['capture', 'deep', 'deep', 'deep', 'variable', 'main'] },
  { place: 'realigned', names: ['capture', 'deep', 'deep', 'deep', 'variable', 'realigned', 'main'] },
  { place: 'sorted', names: ['capture', 'deep', 'deep', 'compare'] },
  { place: 'signalled', names: ['capture', 'deep', 'on_signal'] },
  { place: 'faulted', names: ['capture', 'deep', 'deep', 'on_fault', '*', 'faulting', 'main'] },
  { place: 'ends', names: ['capture', 'final', 'ends', 'main'] },
  { place: 'thread', names: ['capture', 'deep', 'deep', 'deep', 'deep', 'thread'] },
  { place: 'elsewhere', names: ['capture', 'deep', 'on_signal'], end: 'copy ended' },
  {
    place: 'legacy',
    names: ['capture', 'inner', 'inner', 'inner', 'inner', 'legacy', 'main'],
    isBeyondReference: true,
  },
];

for (const compiler of ['gcc', 'clang']) {
  describe(`built with ${compiler}`, () => {
    let folder: ReturnType<typeof temporaryFolder>;
    let program = '';
    const isThere = COMPILERS.includes(compiler) && process.arch === 'x64';
    before(() => {
      folder = temporaryFolder();
      if (isThere) program = buildCapture(compiler, folder.path);
    });
    after(() => folder[Symbol.dispose]());

    for (const { place, names, end = 'start of the thread', isBeyondReference } of PLACES) {
      test(place, (t) => {
        if (!needs(t, isThere, `${compiler} on x86-64`)) return;
        const captured = runCapture(program, place);
        const { stack, symbols } = unwound(captured);
        const shown = stack.frames.map((frame) => symbols.locate(frame.address, frame.isReturnAddress).name);
        for (const [i, name] of names.entries()) {
          if (name !== '*') assert.equal(shown[i], name, `frame ${i} of ${shown.join(' < ')}, ${stack.end}`);
        }
        assert.equal(stack.end, end);
        if (isBeyondReference) return;
        const callers = stack.frames.slice(1).map(({ address }) => address);
        // The reference reads live memory, and so sees beyond a copy that ends.
        const expected =
          end === 'start of the thread' ? captured.callers : captured.callers.slice(0, callers.length);
        assert.deepEqual(callers, expected);
      });
    }

    test('a copy that is too small ends with that reason, after the frames it holds', (t) => {
      if (!needs(t, isThere, `${compiler} on x86-64`)) return;
      const captured = runCapture(program, 'deep');
      const { start, end } = captured.stack;
      let longest = 0;
      for (let length = 0; length <= end - start; length += 64) {
        const bytes = new Uint8Array(length);
        const view = new DataView(bytes.buffer);
        for (let at = 0; at + 8 <= length; at += 8)
          view.setBigUint64(at, captured.stack.readWord(start + at)!, true);
        const { stack } = unwound({ ...captured, stack: createStackCopy(start, bytes) });
        assert.ok(stack.frames.length >= longest, 'more copied, no fewer frames');
        longest = stack.frames.length;
        if (stack.end === 'start of the thread') return;
        assert.equal(stack.end, 'copy ended');
      }
      assert.fail('never whole');
    });
  });
}

function unwound(captured: Captured) {
  const image = createProcessImage(GONE, () => captured.mapsText);
  return {
    stack: unwind(image, captured.registers, captured.stack),
    symbols: createUserSymbols(GONE, image),
  };
}
