// Goal: laying out text never loses, widens or forges any. Method: properties over arbitrary text, and a few pictures.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { sampleRun } from '../testing/sample-run.ts';
import { arrivalRows } from './about-arrivals.ts';
import { Paper } from './paper.ts';
import { failedPhrase, formatRate, formatValue, formatWhole, plural, shellWords } from './phrases.ts';
import { writeTable } from './table.ts';
import { cut, cutMiddle, displayWidth, pad, wrap } from './width.ts';

const anyText = fc.string({ unit: 'grapheme', maxLength: 80 });

test('wrapped lines fit, and hold every word in order', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 4, max: 60 }), (text, cells) => {
      const lines = wrap(text, cells);
      for (const line of lines) assert.ok(displayWidth(line) <= cells || [...line].length === 1, line);
      assert.equal(lines.join('').replaceAll(' ', ''), text.replaceAll(' ', ''));
    }),
  );
});

test('a number and its unit stay together', () => {
  assert.deepEqual(wrap('it took 1.23 ms', 13), ['it took', '1.23 ms']);
  assert.deepEqual(wrap('for 84 % of it', 6), ['for', '84 %', 'of it']);
  assert.deepEqual(wrap('all 39 990 came', 7), ['all', '39 990', 'came']);
  assert.deepEqual(wrap('in 3 seconds', 7), ['in 3', 'seconds']);
});

test('cut text is never wider than asked, and whole text is left alone', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 3, max: 60 }), (text, cells) => {
      for (const shorten of [cut, cutMiddle]) {
        const short = shorten(text, cells);
        assert.ok(displayWidth(short) <= cells);
        if (displayWidth(text) <= cells) assert.equal(short, text);
      }
    }),
  );
  assert.equal(cutMiddle('/var/lib/app/journal.log', 15), '/var/li…nal.log');
  assert.equal(cut('/var/lib/app', 6), '/var/…');
});

test('wide and combining characters are measured as a terminal draws them', () => {
  assert.equal(displayWidth('日本'), 4);
  assert.equal(displayWidth('e\u0301'), 1);
  assert.equal(displayWidth('\u001b[1mx\u001b[22m'), 1);
  assert.equal(pad('日', 4), '日  ');
  assert.equal(pad('7', 3, 'right'), '  7');
});

test('a table lines up its columns and shortens only the one that may be', () => {
  const paper = new Paper({ colour: false, columns: 60 });
  writeTable(
    paper,
    [{ title: 'name', shrinkTo: 10 }, { title: 'n', align: 'right' }, { title: 'fixed' }],
    [
      ['a', '1', 'x'],
      ['b'.repeat(80), '22', 'y'.repeat(20)],
    ],
  );
  const lines = paper.toString().trimEnd().split('\n');
  assert.deepEqual(lines.map(displayWidth).slice(1), [2 + 32 + 2 + 2 + 2 + 1, 60]);
  assert.ok(lines[2]!.endsWith(`…  22  ${'y'.repeat(20)}`));
});

test('text from outside cannot bring colours or lines of its own', () => {
  const paper = new Paper({ colour: true, columns: 80 });
  paper.bullet('a\u001b[31mb\nverdict: healthy');
  assert.equal(paper.toString(), '  • a·[31mb·verdict: healthy\n');
});

test('bars show at least a sliver of what is there, and nothing of what is not', () => {
  const screen = new Paper({ colour: false, columns: 80 });
  const pipe = new Paper({ colour: false, columns: null });
  for (const [share, onScreen, inPipe] of [
    [0, '', ''],
    [0.0001, '▏', '#'],
    [0.5, '█████', '#####'],
    [1, '██████████', '##########'],
    [7, '██████████', '##########'],
    [Number.NaN, '', ''],
  ] as const) {
    assert.equal(screen.bar(share, 10), onScreen);
    assert.equal(pipe.bar(share, 10), inPipe);
  }
});

test('numbers are worded the same everywhere', () => {
  assert.equal(formatWhole(39990), '39 990');
  assert.equal(formatWhole(123), '123');
  assert.equal(plural(1, 'stall'), '1 stall');
  assert.equal(plural(0, 'reply', 'replies'), '0 replies');
  assert.equal(formatValue(0.995, 'share'), '99.5 %');
  assert.equal(formatValue(1500, 'ns'), '1.50 µs');
  assert.equal(formatValue(1.2345, 'ratio'), '1.23');
  assert.equal(formatValue(0.03, 'CPUs'), '0.03 CPUs');
});

/** Pictures, drawn on terminals only. */
const DRAWN = /[\u2500-\u259f]/u;

test('every sign our sentences use has a spelling in ASCII', () => {
  const src = join(import.meta.dirname, '..', '..');
  const files = globSync('**/*.ts', { cwd: src }).filter(
    (name) => !/test\.ts$|\/testing\/|\/html\//.test(name),
  );
  assert.ok(files.length > 300, `${files.length} files`);
  const paper = new Paper({ colour: false, columns: null });
  for (const name of files) {
    const code = readFileSync(join(src, name), 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/gm, '');
    for (const sign of new Set(code.match(/[^\0-\x7f]/gu))) {
      if (!DRAWN.test(sign)) assert.match(paper.clean(sign), /^[\x20-\x7e]+$/, `${sign} in ${name}`);
    }
  }
});

test('a closed loop: gaps are not recorded, and no figure stands for them', () => {
  const load = sampleRun().load!;
  const closed = { ...load, arrivals: { ...load.arrivals, planned: null, shortGapShare: 0 } };
  const { titles, rows } = arrivalRows(closed);
  assert.equal(rows.length, 1);
  assert.equal(rows[0]![titles.indexOf('gaps < 150 µs')], '–');
});

test('a rate below a hundred keeps its decimals: half a request a second is not one', () => {
  assert.deepEqual([0.5, 0.0333, 33.333, 250.4, 2000].map(formatRate), [
    '0.5/s',
    '0.0333/s',
    '33.3/s',
    '250/s',
    '2 000/s',
  ]);
});

test('a command is written as one would type it', () => {
  assert.equal(shellWords(['load', 'http://[::1]:80/', '--rate', '2k']), "load 'http://[::1]:80/' --rate 2k");
  assert.equal(shellWords(['--body', "it's", '']), "--body 'it'\\''s' ''");
  assert.equal(shellWords(['--fail-if', 'p99>20ms', 'x\ny']), "--fail-if 'p99>20ms' 'x\ny'");
});

test('why replies were wrong stands where it is first told that some were', () => {
  const none = { planned: 100, sent: 100, ok: 98, wrong: 2, error: 0, timeout: 0, unsent: 0, unfinished: 0 };
  const told = (wrongByReason: Record<string, number>, more = {}) =>
    failedPhrase({
      counts: { ...none, ...more },
      wrongByReason,
      statusCounts: { 200: 98, 302: 1, 503: 5, 404: 1 },
    });
  assert.equal(told({}), '2 % failed (wrong: status 503 and 1 other reason)');
  assert.equal(told({ 'status not 200': 2 }), '2 % failed (wrong: status not 200)');
  assert.equal(told({ 'has 5 % off': 2 }), '2 % failed (wrong: has 5 % off)');
  assert.equal(
    told({ 'no A': 1, 'no B': 3 }, { ok: 95, error: 1, wrong: 4 }),
    '5 % failed (4 % wrong: no B and 1 other reason, 1 % error)',
  );
  const kinds = (more: object) =>
    failedPhrase({ counts: { ...none, ok: 0, wrong: 0, planned: 1000, ...more } });
  assert.equal(kinds({ unsent: 997, timeout: 3 }), '100 % failed (99.7 % unsent, 0.3 % timeout)');
  // Whole percents would come to 101.
  assert.equal(kinds({ unsent: 605, timeout: 395 }), '100 % failed (60.5 % unsent, 39.5 % timeout)');
  assert.equal(kinds({ unsent: 600, timeout: 400 }), '100 % failed (60 % unsent, 40 % timeout)');
});
