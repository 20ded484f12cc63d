// Goal: what is counted is what happened: 23 of each event are 23, and bpftrace, a stranger to this code, counts the same
// waits. Method: a C loop that does exactly what its arguments say, watched from before its first step to its end.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { findProgram, start, until } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { upToThreeTimes } from '../../../test/helpers/tries.ts';
import { createClock } from '../../base/clock.ts';
import { cycleBucketHigh, cycleBucketLow } from '../../record/cycle-buckets.ts';
import type { CycleWindow, ObservationRecord } from '../../record/observation.ts';
import { startObservation } from '../observe.ts';
import { plantedBinary, plantLoop } from '../testing/planted-loop.ts';

const MS = 1e6;
const ROUNDS = 23;
/** In a round: 3 events at once, a peek, 2 events without waiting, a timeout, a wake-up with an accept. */
const STEPS = ['e3', 'p', 'q2', 't2', 'e1', 'c', `x${ROUNDS}`];
/** The one that ends the last cycle. */
const LAST_EVENTS = 1;

const bpftracePath = findProgram('bpftrace');

function canRun(t: TestContext): boolean {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return false;
  return needs(t, plantedBinary() !== null, 'a C compiler');
}

async function watchSteps(
  steps: string[],
  budgetMs: number,
  around?: (pid: number, run: () => Promise<void>) => Promise<void>,
): Promise<ObservationRecord> {
  await using planted = await plantLoop(steps);
  using handle = startObservation({
    pids: [planted.pid],
    clock: createClock(),
    selfPids: [process.pid],
    armed: 'always',
    budgetNs: budgetMs * MS,
  });
  await (around ? around(planted.pid, () => planted.run()) : planted.run());
  return handle.stop();
}

type Counted = 'cycleCount' | 'peekCount' | 'eventCount' | 'timeoutCount' | 'acceptCount';
const sumOf = ({ windows }: ObservationRecord, field: Counted) =>
  windows.reduce((sum, window) => sum + window[field], 0);

/** Wake-ups that brought exactly so many events. */
function wakeUps({ windows }: ObservationRecord, events: number): number {
  return windows
    .flatMap(({ eventHistogram }: CycleWindow) => eventHistogram)
    .filter(([bucket]) => cycleBucketLow(bucket) <= events && events < cycleBucketHigh(bucket))
    .reduce((sum, [, count]) => sum + count, 0);
}

test('23 rounds are 23 of each event', async (t) => {
  if (!canRun(t)) return;
  const record = await watchSteps(STEPS, 10_000);
  assert.equal(sumOf(record, 'timeoutCount'), ROUNDS);
  assert.equal(sumOf(record, 'peekCount'), ROUNDS);
  assert.equal(sumOf(record, 'acceptCount'), ROUNDS);
  // The byte that starts it was waited for before anybody watched.
  assert.equal(sumOf(record, 'eventCount'), ROUNDS * (3 + 2 + 1) + LAST_EVENTS);
  assert.equal(wakeUps(record, 3), ROUNDS);
  assert.equal(wakeUps(record, 2), ROUNDS);
  assert.equal(record.stalls.length, 0);
});

test('23 sleeps over budget are 23 stalls, each as long as the sleep at least', async (t) => {
  if (!canRun(t)) return;
  await upToThreeTimes(t, async () => {
    const { stalls, losses } = await watchSteps(['e1', 's12', `x${ROUNDS}`], 10);
    const slept = stalls.filter(({ kind }) => kind === 'work');
    assert.equal(slept.length, ROUNDS);
    for (const { wallNs, account } of slept) {
      const sleepNs = account.blocked.find(({ call }) => call.includes('nanosleep'))?.ns ?? 0;
      assert.ok(wallNs >= sleepNs && sleepNs >= 12 * MS * 0.999, `${sleepNs} of ${wallNs}`);
    }
    assert.equal(losses.stallsNotKept + losses.ringBufferDrops, 0);
  });
});

test('bpftrace counts the same waits', async (t) => {
  if (!canRun(t) || !needs(t, bpftracePath !== null, 'bpftrace')) return;
  // It finds tracepoints in a mounted tracefs only, and without one ends at once.
  if (!needs(t, existsSync('/sys/kernel/tracing/events/syscalls'), 'tracefs, mounted, for bpftrace')) return;
  let text = '';
  const record = await watchSteps(STEPS, 10_000, async (pid, run) => {
    const probe = 'tracepoint:syscalls:sys_exit_epoll_wait';
    await using bpftrace = start(bpftracePath!, [
      '-e',
      `${probe} /pid == ${pid}/ { @waits = count(); @events = sum(args->ret); } END { printf("end\\n"); }`,
    ]);
    bpftrace.child.stdout!.on('data', (chunk: string) => {
      text += chunk;
    });
    await until('bpftrace to begin', () => text.includes('Attaching'));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await run();
    bpftrace.child.kill('SIGINT');
    await bpftrace.exited;
  });
  const counted = (name: string) => Number(new RegExp(`@${name}: (\\d+)`).exec(text)?.[1]);
  // Its first wait, for the byte that starts it, began before anybody watched: bpftrace sees its end, a cycle needs both.
  const STARTED = 1;
  assert.equal(counted('events'), sumOf(record, 'eventCount') + STARTED, text);
  assert.equal(counted('waits'), ROUNDS * 5 + LAST_EVENTS + STARTED, text);
  assert.equal(
    sumOf(record, 'cycleCount') + sumOf(record, 'peekCount'),
    counted('waits') - STARTED - LAST_EVENTS,
    text,
  );
});
