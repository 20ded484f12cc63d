// Goal: the page needs nothing but itself, cannot be broken out of, and stays small. Method: read it as text; what it
// looks and behaves like is tested in test/browser.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import test from 'node:test';
import type { Stall } from '../../record/observation.ts';
import { sampleDiagnosis } from '../testing/sample-diagnosis.ts';
import type { SampleOptions } from '../testing/sample-options.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { CLIENT_FILES, clientCode, pageScript, pageStyle, STYLE_FILES } from './assets.ts';
import { htmlReporter, jsonForScript } from './html.ts';
import type { PageData } from './page-data.ts';

function render(options: SampleOptions = {}): string {
  const run = sampleRun({ seconds: 8, ...options });
  return htmlReporter.render(run, sampleDiagnosis(run, options), {
    colour: true,
    columns: 80,
    runFile: null,
  });
}

function dataOf(html: string): PageData {
  return JSON.parse(/<script type="application\/json" id="run">(.*?)<\/script>/s.exec(html)![1]!);
}

test('nothing is fetched: no address in any attribute, style or import', () => {
  const html = render();
  const markup = html.replace(/<script[\s\S]*?<\/script>/g, '').replace(/<style[\s\S]*?<\/style>/g, '');
  assert.doesNotMatch(markup, /\bsrc=|https?:/);
  assert.deepEqual(
    [...markup.matchAll(/href="([^"]*)"/g)].map((match) => match[1]),
    ['data:,'],
  );
  assert.doesNotMatch(pageStyle(), /url\(|@import/);
  assert.doesNotMatch(
    pageScript(),
    /\bfetch\(|XMLHttpRequest|import\(|innerHTML|insertAdjacentHTML|document\.write/,
  );
});

test('the policy allows exactly the script and the style of the page', () => {
  const html = render();
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)![1]!;
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const script = /<script>([\s\S]*?)<\/script>/.exec(html)![1]!;
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)![1]!;
  assert.match(policy, /^default-src 'none'; /);
  assert.ok(policy.includes(`script-src ${hash(script)};`));
  assert.ok(policy.includes(`style-src ${hash(style)};`));
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
});

test('hostile names stay inside the data', () => {
  for (const scenario of ['contended', 'fsync'] as const) {
    const html = render({ hostile: true, scenario });
    assert.equal(html.match(/<script\b/g)!.length, 2);
    assert.doesNotMatch(html, /<img\b/);
    assert.doesNotMatch(html.replace(/<script>[\s\S]*?<\/script>/, ''), /[^\P{Cc}\n]|\p{Bidi_Control}/u);
  }
  assert.equal(jsonForScript('</script><!--\u2028&'), '"\\u003c/script\\u003e\\u003c!--\\u2028\\u0026"');
});

test('the data is valid JSON whatever it holds', () => {
  const data = dataOf(render({ hostile: true }));
  assert.ok(data.ranInstead[0]!.name.startsWith('<img src=x'));
  assert.ok(!JSON.stringify(data).includes('\u202e'));
});

test('a typical page is under 400 kB', () => {
  for (const options of [{}, { scenario: 'fsync' }, { seconds: 60 }] satisfies SampleOptions[]) {
    const size = Buffer.byteLength(render(options));
    assert.ok(size < 400_000, `${size} bytes`);
  }
});

test('a page of thousands of stalls is not much larger, and says what it left out', () => {
  const run = sampleRun({ seconds: 20, scenario: 'fsync' });
  const { stalls } = run.observation!;
  const frames = Array.from({ length: 127 }, (_, i) => `a_function_with_a_rather_long_name_${i}`);
  run.observation!.stalls = Array.from({ length: 2000 }, (_, i): Stall => {
    const stall = structuredClone(stalls[i % stalls.length]!);
    stall.startNs = i * 3e6;
    stall.stacks = Array.from({ length: 8 }, () => ({ count: 1, inKernel: true, frames }));
    return stall;
  });
  const html = htmlReporter.render(run, sampleDiagnosis(run), {
    colour: false,
    columns: null,
    runFile: null,
  });
  const size = Buffer.byteLength(html);
  assert.ok(size < 500_000, `${size} bytes`);
  const data = dataOf(html);
  assert.equal(data.stalls!.marks.length, 1500);
  assert.match(data.stalls!.listNote, /^The 60 longest of 2 000 stalls/);
  for (const stall of data.stalls!.list) assert.ok(stall.mark >= 0 && data.stalls!.marks[stall.mark]);
});

test('the page holds what the run holds', () => {
  const run = sampleRun({ seconds: 8 });
  const data = dataOf(render());
  assert.equal(data.stalls!.marks.length, run.observation!.stalls.length);
  assert.equal(
    data.timeline.latency!.planned.reduce((sum, n) => sum + n, 0),
    run.load!.counts.planned,
  );
  assert.equal(data.outcomes.find((outcome) => outcome.kind === 'ok')!.count, run.load!.counts.ok);
  assert.equal(data.loops!.rows.length, run.observation!.loops.length);
  for (const { sec } of data.spectrum!) assert.ok(sec.every((value, i) => i === 0 || value >= sec[i - 1]!));
});

test('what a VOID check spoils is nowhere on the page', () => {
  const run = sampleRun({ seconds: 8 });
  const html = htmlReporter.render(run, sampleDiagnosis(run, { voidRun: true }), {
    colour: false,
    columns: null,
    runFile: null,
  });
  const data = dataOf(html);
  assert.equal(data.spectrum, null);
  assert.equal(data.timeline.latency, null);
  assert.ok(data.latency!.rows.every((row) => row.slice(1, 6).every((cell) => cell === 'withheld')));
  assert.equal(data.figures[0]!.value, '–');
});

test('the client files become one script: all listed, no import left, no name twice', () => {
  const folder = new URL('./client/', import.meta.url);
  const files = readdirSync(folder).map((name) => name.replace(/\.[a-z]+$/, ''));
  assert.deepEqual(files.toSorted(), [...CLIENT_FILES].toSorted());
  const names = new Map<string, string>();
  for (const file of CLIENT_FILES) {
    const code = clientCode(file);
    assert.doesNotMatch(code, /^\s*(?:import|export)\b/m, file);
    for (const [, name] of code.matchAll(/^(?:async )?(?:function|const|let|class) (\w+)/gm)) {
      assert.equal(names.get(name!), undefined, `${name} is in ${names.get(name!)} and ${file}`);
      names.set(name!, file);
    }
  }
});

test('the style sheets become one: all listed, the colours first', () => {
  const files = readdirSync(new URL('./style/', import.meta.url)).map((name) => name.replace(/\.css$/, ''));
  assert.deepEqual(files.toSorted(), [...STYLE_FILES].toSorted());
  const css = pageStyle();
  assert.ok(css.indexOf('--focus:') < css.indexOf('var(--focus)'));
  assert.ok(css.trimEnd().endsWith('}') && css.split('{').length === css.split('}').length);
});
