// Goal: an output that cannot be written is refused before the run, and nobody's file is lost. Method: a temporary folder
// with what stands in the way.
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkOutputs, writeWhole } from './outputs.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-outputs-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

test('what can be written is let through, and not touched', () => {
  writeFileSync(at('old.csv'), 'start_s,duration_s\n0,1\n');
  writeFileSync(at('empty.hlog'), '');
  checkOutputs([
    { option: '--csv', path: at('old.csv') },
    { option: '--hdr', path: at('empty.hlog') },
    { option: '--out', path: at('new.loopscope') },
    { option: '--html', path: '/dev/null' },
  ]);
  assert.deepEqual(readdirSync(folder).sort(), ['empty.hlog', 'old.csv']);
});

test('what cannot be written is refused with the option and a way out', () => {
  mkdirSync(at('results'));
  writeFileSync(at('notes.txt'), 'buy milk\n');
  symlinkSync(at('notes.txt'), at('link.csv'));
  const cases: [option: string, path: string, message: RegExp][] = [
    ['--csv', at('results'), /^--csv: .*results is a folder$/],
    ['--hdr', at('no/such/folder/x.hlog'), /^--hdr: cannot write in .*folder$/],
    ['--html', at('notes.txt'), /^--html: .*notes\.txt exists, and is not something that --html wrote$/],
    ['--csv', at('link.csv'), /link\.csv exists/],
    ['--out', at('old.csv'), /old\.csv exists/],
  ];
  for (const [option, path, message] of cases) {
    assert.throws(() => checkOutputs([{ option, path }]), { message, code: 'RUN_FILE_WRITE' });
  }
  assert.equal(readFileSync(at('notes.txt'), 'utf8'), 'buy milk\n');
});

test('an earlier run is replaced only when that was said', () => {
  writeFileSync(at('run.loopscope'), '{"record":"header","format":"loopscope-run"}\n');
  const output = { option: '--out', path: at('run.loopscope') };
  assert.throws(() => checkOutputs([output]), { message: /holds an earlier run/, hint: /--overwrite/ });
  checkOutputs([{ ...output, mayReplace: true }]);
});

test('one file for two options is refused', () => {
  const outputs = [
    { option: '--hdr', path: at('x') },
    { option: '--csv', path: `${folder}/./x` },
  ];
  assert.throws(() => checkOutputs(outputs), { message: /^--hdr and --csv name the same file/ });
});

test('a file is replaced in one step, through a link too, and its neighbours stay', () => {
  symlinkSync(at('old.csv'), at('latest.csv'));
  writeWhole({ option: '--csv', path: at('latest.csv') }, 'start_s\n1\n');
  assert.equal(readFileSync(at('old.csv'), 'utf8'), 'start_s\n1\n');
  assert.equal(readdirSync(folder).filter((name) => name.endsWith('.partial')).length, 0);
});

test('a write that fails says so and leaves nothing behind', () => {
  const output = { option: '--csv', path: '/dev/full' };
  assert.throws(() => writeWhole(output, 'x'), {
    message: /^--csv: \/dev\/full could not be written: ENOSPC/,
  });
  rmSync(at('results'), { recursive: true });
  assert.throws(() => writeWhole({ option: '--hdr', path: at('results/x') }, 'x'), {
    code: 'RUN_FILE_WRITE',
  });
});
