// Goal: the HTML report is usable by people: nothing fails, everything is there in both themes and on a phone, a stall
// can be opened, and nothing a process calls itself can act on the page. Method: Chromium over file://.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { htmlReporter } from '../../src/report/html/html.ts';
import type { LimitReport } from '../../src/report/limit.ts';
import type { ReportOptions } from '../../src/report/reporter.ts';
import { type DiagnosisOptions, sampleDiagnosis } from '../../src/report/testing/sample-diagnosis.ts';
import type { SampleOptions } from '../../src/report/testing/sample-options.ts';
import { sampleRun } from '../../src/report/testing/sample-run.ts';
import { needs } from '../helpers/needs.ts';

const CHROMIUM = '/usr/bin/chromium';
const SECTIONS = [
  'verdict',
  'timeline',
  'stalls',
  'latency',
  'loops',
  'heat-map',
  'suspects',
  'load',
  'self',
  'limits',
  'environment',
];

const folder = mkdtempSync(join(tmpdir(), 'loopscope-report-'));
const profile = join(folder, 'profile');
let browser: BrowserContext | null = null;

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function launch(): Promise<BrowserContext> {
  browser ??= await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return browser;
}

const goalOf = (ms: number) => ({
  text: 'p99<20ms',
  value: ms * 1e6,
  limit: 20e6,
  unit: 'ns',
  atLeast: false,
});
const LIMIT: LimitReport = {
  ended: 'found',
  ratePerSec: 4000,
  failsAtPerSec: 4100,
  relativeWidth: 0.025,
  why: '4000/s held, and did so again; 4100/s did not',
  steps: [
    [2000, 'held', 3],
    [8000, 'failed', 310],
    [4000, 'held', 15],
    [4100, 'failed', 24],
  ].map(([ratePerSec, outcome, ms]) => ({
    ratePerSec: ratePerSec as number,
    outcome: outcome as 'held' | 'failed',
    achievedShare: 1,
    goals: [goalOf(ms as number)],
    self: 'PASS',
    why: `p99 was ${ms} ms`,
  })),
};

type Look = { theme?: 'light' | 'dark'; width?: number };
type Opened = { page: Page; problems: string[]; requests: string[] };

let fileCount = 0;

async function open(
  options: SampleOptions & DiagnosisOptions & Pick<ReportOptions, 'limit' | 'thresholds'>,
  { theme = 'light', width = 1200 }: Look = {},
): Promise<Opened> {
  const run = sampleRun({ seconds: 10, ...options });
  const html = htmlReporter.render(run, sampleDiagnosis(run, options), {
    colour: false,
    columns: null,
    runFile: 'a.loopscope',
    ...(options.limit && { limit: options.limit }),
    ...(options.thresholds && { thresholds: options.thresholds }),
  });
  const path = join(folder, `report-${fileCount++}.html`);
  writeFileSync(path, html);
  const page = await (await launch()).newPage();
  const problems: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.emulateMedia({ colorScheme: theme });
  await page.setViewportSize({ width, height: 900 });
  await page.goto(pathToFileURL(path).href);
  await page.waitForSelector('footer');
  return { page, problems, requests };
}

const textOf = async (locator: Locator) => (await locator.textContent()) ?? '';

function browserTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    if (!needs(t, existsSync(CHROMIUM), `no ${CHROMIUM}`)) return;
    await body(t);
  });
}

for (const theme of ['light', 'dark'] as const) {
  browserTest(`every section is on the page, drawn, and nothing fails: ${theme}`, async () => {
    const { page, problems, requests } = await open({}, { theme });
    for (const id of SECTIONS) {
      assert.ok(await page.locator(`#${id}`).isVisible(), `#${id}`);
      assert.notEqual((await textOf(page.locator(`#${id}`))).trim(), '');
    }
    const blank = await page.evaluate(
      () =>
        [...document.querySelectorAll('canvas')].filter((canvas) => {
          const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
          return data.every((value) => value === 0);
        }).length,
    );
    assert.equal(blank, 0, 'a chart is blank');
    assert.equal(await page.locator('canvas').count(), 5);
    const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const brightness = Number(/\d+/.exec(dark)![0]);
    assert.ok(theme === 'dark' ? brightness < 60 : brightness > 200, dark);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      requests.filter((url) => !url.startsWith('file:')),
      [],
    );
    assert.equal(requests.length, 1);
    await page.close();
  });

  browserTest(`text has a contrast of at least 4.5 : 1 on its ground: ${theme}`, async () => {
    for (const options of [{}, { voidRun: true }, { scenario: 'healthy' as const, complete: false }]) {
      const { page } = await open(options, { theme });
      assert.deepEqual(await page.evaluate(weakText), []);
      await page.close();
    }
  });
}

/** In the page: texts whose colour is too near to the colour behind them. */
function weakText(): string[] {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: number[]) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const weak = new Set<string>();
  const walker = document.createTreeWalker(document.getElementById('page')!, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent!.trim();
    const element = walker.currentNode.parentElement!;
    if (text === '' || element.closest('caption, .visually-hidden, option, .uplot')) continue;
    let behind: Element | null = element;
    let ground = [0, 0, 0, 0];
    while (behind && (ground[3] ?? 1) === 0) {
      ground = channels(getComputedStyle(behind).backgroundColor);
      behind = behind.parentElement;
    }
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.add(`${ratio.toFixed(2)} "${text.slice(0, 40)}" in .${element.className}`);
  }
  return [...weak];
}

browserTest('the theme button turns light to dark and back, and the charts follow', async () => {
  const { page, problems } = await open({});
  const pixel = () =>
    page.evaluate(() => {
      const canvas = document.querySelector('canvas')!;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4)
        if (data[i + 3]! > 128) sum += data[i]! + data[i + 1]! + data[i + 2]!;
      return sum;
    });
  const light = await pixel();
  await page.getByRole('button', { name: 'Switch to the dark theme' }).click();
  const dark = await pixel();
  assert.notEqual(dark, light);
  await page.getByRole('button', { name: 'Switch to the light theme' }).click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
  assert.deepEqual(problems, []);
  await page.close();
});

browserTest('a click on a stall of the timeline shows its account and its stacks', async () => {
  const { page, problems } = await open({ scenario: 'fsync' });
  const title = () => textOf(page.locator('.stall-detail h3'));
  const before = await title();
  // The second longest stall, at the place where the chart draws it.
  const second = page.locator('.stall-row').nth(1);
  const wanted = await textOf(second.locator('.stall-wall'));
  await page.locator('.chart.clickable').scrollIntoViewIfNeeded();
  const spot = await page.evaluate(() => {
    const data = JSON.parse(document.getElementById('run')!.textContent!);
    const mark = data.stalls.marks[data.stalls.list[1].mark];
    const plot = document.querySelector('.chart.clickable .u-over')!.getBoundingClientRect();
    const ticks = { low: Math.log10(1e-4), high: Math.log10(1e-1) };
    const x = (mark.atSec + mark.wallSec / 2) / data.timeline.durationSec;
    const y = (ticks.high - Math.log10(mark.wallSec)) / (ticks.high - ticks.low);
    return { x: plot.left + x * plot.width, y: plot.top + y * plot.height };
  });
  await page.mouse.move(spot.x, spot.y);
  await page.mouse.click(spot.x, spot.y);
  assert.notEqual(await title(), before);
  assert.ok((await title()).startsWith(wanted), `${await title()} is not the stall of ${wanted}`);
  const detail = await textOf(page.locator('.stall-detail'));
  assert.match(detail, /blocked[\s\S]*fsync \(\/var\/lib\/app\/journal\.log, 2×\)/);
  assert.match(detail, /jbd2_log_wait_commit\s*ext4_sync_file/);
  assert.match(detail, /woken by jbd2\/vda1-8 \(pid 312\)/);
  assert.equal(await second.getAttribute('aria-pressed'), 'true');
  assert.deepEqual(problems, []);
  await page.close();
});

browserTest('the list of stalls works from the keyboard, and opens in full', async () => {
  const { page } = await open({ scenario: 'fsync' });
  const rows = page.locator('.stall-row');
  assert.equal(await rows.count(), 12);
  const timeline = () =>
    page.evaluate(() => document.querySelector<HTMLCanvasElement>('.chart.clickable canvas')!.toDataURL());
  const before = await timeline();
  await rows.nth(3).focus();
  await page.keyboard.press('Enter');
  const wall = await textOf(rows.nth(3).locator('.stall-wall'));
  assert.ok((await textOf(page.locator('.stall-detail h3'))).startsWith(wall));
  assert.notEqual(await timeline(), before, 'the timeline does not point at the chosen stall');
  await page.getByRole('button', { name: /^Show all/ }).click();
  assert.ok((await rows.count()) > 12);
  await page.close();
});

browserTest('pointing at the timeline, the spectrum and the heat map reads them out', async () => {
  const { page, problems } = await open({});
  for (const [selector, pattern] of [
    ['#timeline .u-over', /^at \d+\.\d s · p50 .* · p99 .* · max .* requests · [\d ]+\/s held/],
    ['#latency .u-over', /^p\d+(\.\d+)? · response .* · service .* · lateness /],
    ['#heat-map canvas', /^at \d+\.\d s · .* to .* · [\d ]+ cycles?$/],
  ] as const) {
    const target = page.locator(selector).first();
    await target.scrollIntoViewIfNeeded();
    const box = (await target.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.5);
    await page.mouse.move(box.x + box.width * 0.52, box.y + box.height * 0.5);
    const section = selector.split(' ')[0]!;
    await page.waitForFunction(
      ([within, source]) =>
        new RegExp(source!).test(document.querySelector(`${within} .readout`)!.textContent!),
      [section, pattern.source],
      { timeout: 5000 },
    );
  }
  assert.deepEqual(problems, []);
  await page.close();
});

browserTest('the heat map shows the loop that is chosen', async () => {
  const { page } = await open({ scenario: 'fsync' });
  const picture = () =>
    page.evaluate(() => document.querySelector<HTMLCanvasElement>('#heat-map canvas')!.toDataURL());
  const first = await picture();
  await page.locator('#heat-loop').selectOption({ index: 1 });
  assert.notEqual(await picture(), first);
  await page.close();
});

browserTest('names that are markup are shown, and do nothing', async () => {
  for (const scenario of ['contended', 'fsync'] as const) {
    const { page, problems, requests } = await open({ hostile: true, scenario });
    assert.equal(await page.evaluate(() => (window as { pwned?: unknown }).pwned), undefined);
    assert.equal(await page.locator('img').count(), 0);
    assert.equal(await page.locator('script').count(), 2);
    const text = await textOf(page.locator('#stalls'));
    assert.ok(text.includes('<img src=x onerror="window.pwned=1">'));
    for (const row of await page.locator('.stall-row').all()) await row.click();
    assert.equal(await page.evaluate(() => (window as { pwned?: unknown }).pwned), undefined);
    assert.deepEqual(problems, []);
    assert.equal(requests.length, 1);
    await page.close();
  }
});

browserTest('a phone can read all of it without scrolling sideways', async () => {
  for (const options of [
    {},
    { hostile: true, scenario: 'fsync' as const },
    { mode: 'load' as const, voidRun: true },
  ]) {
    const { page, problems } = await open(options, { width: 360 });
    const [scroll, client] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.equal(scroll, client);
    const outside = await page.evaluate(() =>
      [...document.querySelectorAll('main *')]
        .filter(
          (element) => !element.closest('.scroll, .uplot, .stack ol, .command, caption, .visually-hidden'),
        )
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
        .map((element) => `${element.tagName}.${element.className}`),
    );
    assert.deepEqual(outside, []);
    assert.deepEqual(problems, []);
    await page.close();
  }
});

browserTest('runs with half the facts show that half, and say so', async () => {
  const load = await open({ mode: 'load' });
  assert.match(await textOf(load.page.locator('#verdict')), /Nobody watched the server/);
  assert.equal(await load.page.locator('#stalls, #loops, #heat-map').count(), 0);
  assert.deepEqual(load.problems, []);
  await load.page.close();
  const watch = await open({ mode: 'watch', tier: 'proc', complete: false });
  assert.match(await textOf(watch.page.locator('#verdict')), /Incomplete: the run file ends before/);
  assert.match(await textOf(watch.page.locator('#limits')), /single cycles, stalls and their accounts/);
  assert.equal(await watch.page.locator('#latency, #load, #stalls, #heat-map').count(), 0);
  assert.deepEqual(watch.problems, []);
  await watch.page.close();
  const spoilt = await open({ voidRun: true });
  assert.match(await textOf(spoilt.page.locator('#verdict')), /VOID: client thread 0/);
  assert.match(await textOf(spoilt.page.locator('#latency')), /withheld/);
  assert.deepEqual(spoilt.problems, []);
  await spoilt.page.close();
});

browserTest('a mix shows its kinds, and every load its arrivals', async () => {
  const { page, problems } = await open({ kinds: true });
  const kinds = await textOf(page.locator('#latency table:has(caption:text("Kinds of request"))'));
  assert.match(kinds, /GET \/search/);
  assert.match(kinds, /<b>POST<\/b> \/orders/, 'names are text, not markup');
  const arrivals = await textOf(page.locator('#load table'));
  assert.match(arrivals, /asked.*came/s);
  assert.deepEqual(problems, []);
  await page.close();
});

for (const theme of ['light', 'dark'] as const) {
  browserTest(`a search for a limit shows every run, drawn over its rate: ${theme}`, async () => {
    const { page, problems } = await open({ mode: 'load', limit: LIMIT }, { theme });
    assert.match(await textOf(page.locator('#limit h2')), /The limit: 4 000 requests\/s/);
    assert.equal(await page.locator('#limit tbody tr').count(), 4);
    const drawn = await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('#limit canvas')!;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value !== 0);
    });
    assert.ok(drawn, 'the chart is blank');
    assert.deepEqual(await page.evaluate(weakText), []);
    assert.deepEqual(problems, []);
    await page.close();
  });
}

browserTest('the rate is drawn even when response times are withheld', async () => {
  const { page } = await open({ voidRun: true });
  assert.match(await textOf(page.locator('#timeline')), /withheld/);
  assert.ok(await page.locator('#timeline [aria-label^="Requests due"] canvas').isVisible());
  await page.close();
});

browserTest('headings nest, tables have captions, pictures have names', async () => {
  const { page } = await open({});
  const levels = await page.evaluate(() =>
    [...document.querySelectorAll('h1,h2,h3,h4')].map((h) => Number(h.tagName[1])),
  );
  assert.equal(levels.filter((level) => level === 1).length, 1);
  levels.forEach((level, i) => {
    assert.ok(i === 0 || level <= levels[i - 1]! + 1, `heading ${i} jumps from ${levels[i - 1]} to ${level}`);
  });
  assert.equal(await page.locator('table:not(:has(caption))').count(), 0);
  const nameless = await page.evaluate(
    () =>
      document.querySelectorAll('[role=img]:not([aria-label]), section:not([aria-labelledby]), button:empty')
        .length,
  );
  assert.equal(nameless, 0);
  await page.close();
});

browserTest('it prints in light colours, without the buttons', async () => {
  const { page } = await open({}, { theme: 'dark' });
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  assert.equal(await page.locator('.theme-button').isVisible(), false);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await page.close();
});

browserTest('the icicle opens, is walked by keys, and finds names, in both themes', async () => {
  for (const theme of ['light', 'dark'] as const) {
    const { page, problems } = await open({ scenario: 'fsync' }, { theme });
    const chart = page.locator('.icicle');
    const boxes = chart.locator('.icicle-box');
    const readout = () => textOf(page.locator('.icicle-readout'));
    await chart.scrollIntoViewIfNeeded();
    assert.match(await readout(), /^all stalls: .* 100 % of all stalled time$/);
    const count = await boxes.count();
    assert.ok(count > 8, `${count} boxes`);
    // From the keyboard alone: one stop for Tab, then arrows.
    assert.equal(await chart.locator('[tabindex="0"]').count(), 1);
    await chart.locator('[tabindex="0"]').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    assert.match(await readout(), /^Journal::commit\(\) \(app\): /);
    await page.keyboard.press('Enter');
    assert.match(await readout(), /^Journal::commit\(\) \(app\): .*, 100 % of what is shown$/);
    assert.ok((await boxes.count()) < count);
    const opened = chart.locator('.icicle-box:focus');
    const [outer, inner] = [(await chart.boundingBox())!, (await opened.boundingBox())!];
    assert.ok(inner.width > 0.98 * outer.width, `${inner.width} of ${outer.width}`);
    await page.getByRole('button', { name: 'Show all' }).last().click();
    assert.equal(await boxes.count(), count);
    await page.locator('#icicle-search').fill('jbd2_log');
    assert.match(await readout(), /^“jbd2_log”: .* % of all stalled time$/);
    assert.equal(await chart.locator('.match').count(), 1);
    await page.locator('#icicle-search').fill('no such name');
    assert.match(await readout(), /is in no name/);
    assert.deepEqual(problems, []);
    await page.close();
  }
});
