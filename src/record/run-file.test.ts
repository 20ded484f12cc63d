// Goal: a run comes back as it was written; what is cut short is told; what is hostile is refused by name.
// Method: round trips of sample and arbitrary runs, and a table of damaged files.
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
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
import fc from 'fast-check';
import { arbitraryRun } from '../diagnose/testing/arbitrary-run.ts';
import { sampleRun } from '../report/testing/sample-run.ts';
import type { Run } from './run.ts';
import { linesOf, readRunFile, writeRunFile } from './run-file.ts';

/** A short run: what matters here is its shape. */
const sample = () => sampleRun({ seconds: 2, ratePerSec: 100 });

const folder = mkdtempSync(join(tmpdir(), 'loopscope-run-file-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let fileCount = 0;
const newPath = () => join(folder, `${fileCount++}.loopscope`);

const plain = (run: Run): unknown => JSON.parse(JSON.stringify(run));
const textOf = (run: Run) => `${[...linesOf(run)].map((line) => JSON.stringify(line)).join('\n')}\n`;

function stored(text: string | Buffer): string {
  const path = newPath();
  writeFileSync(path, text);
  return path;
}

function readText(text: string | Buffer): Run {
  return readRunFile(stored(text));
}

test('a run comes back as it was written', () => {
  const path = newPath();
  const run = sample();
  assert.ok(run.load && run.observation, 'the sample has both parts');
  writeRunFile(path, run);
  assert.deepEqual(readRunFile(path), plain(run));
});

test('runs of every kind come back as they were', () => {
  const options = fc.record({
    scenario: fc.constantFrom('contended' as const, 'fsync' as const, 'healthy' as const),
    mode: fc.constantFrom('load' as const, 'watch' as const, 'doctor' as const),
    tier: fc.constantFrom('bpf' as const, 'proc' as const),
    hostile: fc.boolean(),
    unanswered: fc.nat(20),
    complete: fc.boolean(),
  });
  fc.assert(
    fc.property(options, (given) => {
      const run = sampleRun({ ...given, seconds: 2, ratePerSec: 100 });
      assert.deepEqual(readText(textOf(run)), plain(run));
    }),
    { numRuns: 15 },
  );
});

test('any run comes back as it was, or is refused by name', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      try {
        assert.deepEqual(readText(textOf(run)), plain(run));
      } catch (error) {
        if ((error as { code?: string }).code !== 'RUN_FILE_INVALID') throw error;
      }
    }),
    { numRuns: 60 },
  );
});

test('many items are written in lines of bounded length', () => {
  const run = sample();
  const window = run.observation!.windows[0]!;
  run.observation!.windows = Array.from({ length: 1201 }, (_, i) => ({ ...window, startNs: i }));
  const windowLines = [...linesOf(run)].filter((line) => line.record === 'windows');
  assert.deepEqual(
    windowLines.map((line) => ('items' in line ? line.items.length : 0)),
    [500, 500, 201],
  );
  assert.deepEqual(readText(textOf(run)), plain(run));
});

test('cut anywhere, a file gives what was there, marked incomplete', () => {
  const run = sample();
  const whole = textOf(run);
  const headerEnd = whole.indexOf('\n') + 1;
  fc.assert(
    fc.property(fc.integer({ min: headerEnd, max: whole.length - 2 }), (length) => {
      const part = readText(Buffer.from(whole).subarray(0, length));
      assert.equal(part.complete, false);
      assert.deepEqual(part.header, plain(run.header as unknown as Run));
    }),
    { numRuns: 40 },
  );
  assert.equal(readText(whole.slice(0, -1)).complete, true, 'the last line feed is no loss');
});

test('an incomplete run stays incomplete when it is written again', () => {
  const run = { ...sample(), complete: false };
  assert.equal(readText(textOf(run)).complete, false);
});

const HEADER = textOf({ ...sample(), load: null, observation: null, complete: false });
const change = (from: string, to: string) => HEADER.replace(from, to);

const REFUSED: [name: string, text: string | Buffer, message: RegExp][] = [
  ['an empty file', '', /is not a run file/],
  ['another JSON file', '{"name":"x"}\n', /is not a run file/],
  ['text', 'hello\n', /is not a run file/],
  ['a header cut short', HEADER.slice(0, 50), /is not a run file/],
  ['binary', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 10, 3]), /is not a run file/],
  ['another version', change('"version":1', '"version":99'), /of version 99; this is version 1/],
  ['a header with a missing field', change('"selfPids"', '"other"'), /line 1: .*selfPids/],
  ['a line that is not JSON', `${HEADER}{"record"\n${HEADER}`, /line 2: not JSON/],
  ['an unknown record', `${HEADER}{"record":"x","value":1}\n`, /line 2: an unknown kind of record/],
  ['a second header', HEADER + HEADER, /line 2: a second header/],
  [
    'parts before their whole',
    `${HEADER}{"record":"stalls","items":[]}\n`,
    /line 2: a part of an observation/,
  ],
  ['blocks without a load', `${HEADER}{"record":"blocks","items":[]}\n`, /line 2: blocks before their load/],
  ['a wrong count of lines', `${HEADER}{"record":"end","lineCount":7}\n`, /7 lines were written, 1 are here/],
  ['something after the end', `${HEADER}{"record":"end","lineCount":1}\n{}\n`, /follows the end record/],
  ['a prototype key', `${HEADER}{"record":"load","value":{"__proto__":{"x":1}}}\n`, /__proto__/],
  ['a load that is a string', `${HEADER}{"record":"load","value":"x"}\n`, /line 2/],
  ['deep nesting', `${HEADER}{"record":"load","value":${'['.repeat(50_000)}\n`, /line 2/],
];

for (const [name, text, message] of REFUSED) {
  test(`refused: ${name}`, () => {
    assert.throws(() => readText(text), { code: 'RUN_FILE_INVALID', message });
  });
}

test('refused: a number past all numbers, and a key that is not a name, inside a load', () => {
  const run = sample();
  const whole = textOf({ ...run, observation: null });
  assert.match(whole, /"bytesSent":\d+/);
  assert.throws(() => readText(whole.replace(/"bytesSent":\d+/, '"bytesSent":1e999')), {
    code: 'RUN_FILE_INVALID',
    message: /line 2: bytesSent/,
  });
  const spelled = whole.replace(/"errorsByKind":\{[^}]*\}/, '"errorsByKind":{"\\u005f_proto__":1}');
  assert.throws(() => readText(spelled), { code: 'RUN_FILE_INVALID', message: /line 2: errorsByKind/ });
  assert.equal(({} as { x?: number }).x, undefined);
});

test('refused: moments that no report can date, and more loops than a run has', () => {
  for (const value of ['9007199254740991', '1e300', '-1e300', '-1', '253402300800000']) {
    const text = HEADER.replace(/"startedWallMs":\d+/, `"startedWallMs":${value}`);
    assert.throws(
      () => readText(text),
      { code: 'RUN_FILE_INVALID', message: /line 1: startedWallMs/ },
      value,
    );
  }
  const run = sample();
  for (const value of ['1e300', '-1e300', '18446744073709551615']) {
    const text = textOf({ ...run, observation: null }).replace(/"startNs":\d+/, `"startNs":${value}`);
    assert.throws(() => readText(text), { code: 'RUN_FILE_INVALID', message: /line 2: startNs/ }, value);
  }
  run.observation!.loops = Array.from({ length: 50_001 }, () => run.observation!.loops[0]!);
  assert.throws(() => readText(textOf(run)), { code: 'RUN_FILE_INVALID', message: /loops: .*length/ });
});

test('a line longer than any of ours is refused before it is held', () => {
  const path = newPath();
  writeFileSync(path, HEADER.trimEnd());
  for (let i = 0; i < 65; i++) writeFileSync(path, ' '.repeat(1 << 20), { flag: 'a' });
  assert.throws(() => readRunFile(path), { code: 'RUN_FILE_INVALID', message: /a line longer/ });
  rmSync(path);
});

test('files that cannot be read say why', () => {
  assert.throws(() => readRunFile(join(folder, 'none')), { code: 'FILE_UNREADABLE', message: /ENOENT/ });
  assert.throws(() => readRunFile(folder), { code: 'FILE_UNREADABLE', message: /is a folder/ });
});

test('a full disk is told, and leaves nothing behind', (t) => {
  if (!existsSync('/dev/full')) return t.skip('no /dev/full');
  assert.throws(() => writeRunFile('/dev/full', sample()), {
    code: 'RUN_FILE_WRITE',
    message: /ENOSPC/,
    hint: /disk is full/,
  });
  assert.ok(existsSync('/dev/full'));
  const link = newPath();
  symlinkSync('/dev/full', link);
  assert.throws(() => writeRunFile(link, sample()), { code: 'RUN_FILE_WRITE' });
});

test('a folder that is missing or closed is told', () => {
  assert.throws(() => writeRunFile(join(folder, 'no', 'run'), sample()), {
    code: 'RUN_FILE_WRITE',
    hint: /folder does not exist/,
  });
  assert.throws(() => writeRunFile(folder, sample()), { code: 'RUN_FILE_WRITE' });
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0o500);
    assert.throws(() => writeRunFile(newPath(), sample()), { code: 'RUN_FILE_WRITE', hint: /permission/ });
    chmodSync(folder, 0o700);
  }
});

test('an older file is replaced only by a whole new one', () => {
  const path = newPath();
  writeRunFile(path, sample());
  const before = readFileSync(path, 'utf8');
  const broken = sample();
  broken.load!.bytesSent = Number.NaN;
  assert.throws(() => writeRunFile(path, broken), { code: 'INTERNAL', message: /NaN in "bytesSent"/ });
  assert.equal(readFileSync(path, 'utf8'), before);
  assert.deepEqual(
    readdirSync(folder).filter((file) => file.includes('partial')),
    [],
  );
});

test('a link is followed, not replaced', () => {
  const path = newPath();
  const link = newPath();
  writeFileSync(path, 'old');
  symlinkSync(path, link);
  writeRunFile(link, sample());
  assert.equal(readRunFile(path).complete, true);
});
