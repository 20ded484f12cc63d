// Goal: what the observer lost is counted, and said in every form of output there is, while it watches and after.
// Method: a ring with room for one stall, a loop that stalls every 2 ms and an observer that comes by every 25 ms; all
// forms are fed by that one watch.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { showAsJson, showAsLines } from '../../src/cli/show-watch.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { measure } from '../../src/measure.ts';
import { plantedBinary, plantLoop } from '../../src/observe/testing/planted-loop.ts';
import type { Run } from '../../src/record/run.ts';
import { htmlReporter } from '../../src/report/html/html.ts';
import { jsonReporter } from '../../src/report/json/json.ts';
import { fanOut } from '../../src/report/live/fan-out.ts';
import { LiveModel } from '../../src/report/live/live-model.ts';
import { LiveView } from '../../src/report/live/live-view.ts';
import { parseExposition } from '../../src/report/prometheus/testing/parse-exposition.ts';
import { WatchMetrics } from '../../src/report/prometheus/watch-metrics.ts';
import type { Reporter } from '../../src/report/reporter.ts';
import { terminalReporter } from '../../src/report/terminal/terminal.ts';
import { needs } from '../helpers/needs.ts';

/** Two pages: one stall of 4.4 kB fits, a second does not. */
const RING_BYTES = 8192;
const STALLS = 1200;
const LOOK_NS = 2.5e9;

type Told = { run: Run; lines: string; objects: Record<string, unknown>[]; view: string; scraped: string };

let told: Promise<Told> | undefined;

function canRun(t: TestContext): boolean {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return false;
  return needs(t, plantedBinary() !== null, 'a C compiler');
}

/** One watch, every form of it. */
async function watchLossy(): Promise<Told> {
  await using planted = await plantLoop(['e1', 's2', `x${STALLS}`, 'h']);
  planted.runUntilHang().catch(() => {});
  const model = new LiveModel();
  const metrics = new WatchMetrics('test');
  const objects: Record<string, unknown>[] = [];
  let lines = '';
  const run = await measure({
    load: null,
    observe: {
      pids: [planted.pid],
      budgetNs: 1e6,
      armed: 'always',
      ringBytes: RING_BYTES,
      live: fanOut([
        model,
        metrics,
        showAsLines((line) => {
          lines += line;
        }).listener,
        showAsJson((object) => objects.push(JSON.parse(JSON.stringify(object)))).listener,
      ]),
    },
    durationNs: LOOK_NS,
    command: ['watch', 'planted-loop'],
  });
  const view = new LiveView(model, { colour: false }).lines({ columns: 120, rows: 24 }).join('\n');
  return { run, lines, objects, view, scraped: await metrics.registry.metrics() };
}

const seen = () => (told ??= watchLossy());

function render(reporter: Reporter, run: Run): string {
  return reporter.render(run, diagnose(run), { colour: false, columns: null, runFile: null });
}

/** The count that a form gives, commas and blanks between its digits left out. */
function countIn(text: string, pattern: RegExp): number {
  const digits = pattern.exec(text)?.[1];
  assert.ok(digits, `no ${pattern} in:\n${text.slice(-3000)}`);
  return Number(digits.replace(/\D/g, ''));
}

const LOST_EVENTS = /LOST: ([\d][\d\u00a0\u202f ,]*) events?/;

test('what found no room is counted, to the stall', async (t) => {
  if (!canRun(t)) return;
  const { stalls, losses } = (await seen()).run.observation!;
  assert.ok(losses.ringBufferDrops > 20, `${losses.ringBufferDrops} lost`);
  assert.equal(losses.decodeErrors + losses.mapFullDrops, 0);
  const kept = stalls.filter(({ kind }) => kind === 'work').length;
  assert.ok(kept > 5, `${kept} kept`);
});

test('in the report on the terminal, in JSON and in HTML', async (t) => {
  if (!canRun(t)) return;
  const { run } = await seen();
  const lost = run.observation!.losses.ringBufferDrops;
  assert.equal(countIn(render(terminalReporter, run), LOST_EVENTS), lost);
  const object = JSON.parse(render(jsonReporter, run));
  assert.equal(object.observation.losses.ring_buffer_drops, lost);
  assert.equal(countIn(render(htmlReporter, run), LOST_EVENTS), lost);
});

test('the verdict says that it rests on less than everything', async (t) => {
  if (!canRun(t)) return;
  const { run } = await seen();
  const check = diagnose(run).self.checks.find(({ name }) => name === 'observer-losses');
  assert.equal(check?.verdict, 'WARN', JSON.stringify(check));
  assert.match(check.text, /found the ring buffer full: the account is a sample/);
});

test('while it watches: on the live view, in plain lines, in JSON lines and to Prometheus', async (t) => {
  if (!canRun(t)) return;
  const { run, lines, objects, view, scraped } = await seen();
  const lost = run.observation!.losses.ringBufferDrops;
  assert.equal(countIn(view, LOST_EVENTS), lost, 'the last window is told of at the end');
  const ofLines = countIn(lines.slice(lines.lastIndexOf('LOST')), LOST_EVENTS);
  assert.ok(ofLines > 0 && ofLines <= lost, `${ofLines} of ${lost}`);
  const observers = objects.filter(({ type }) => type === 'observer');
  const counts = observers.map(({ losses }) => (losses as { ring_buffer_drops: number }).ring_buffer_drops);
  assert.ok(counts.length >= 2 && counts.at(-1)! > 0, counts.join(' '));
  assert.deepEqual(
    [...counts].sort((a, b) => a - b),
    counts,
    'they only grow',
  );
  const samples = parseExposition(scraped).get('loopscope_observer_lost_total')!.samples;
  assert.equal(samples.find(({ labels }) => labels.what === 'ring_buffer_drops')?.value, lost);
});
