// Goal: a profile of the load threads names our own functions, and leaves nothing behind. Method: a real load, with perf events
// where this machine allows them; V8's own profiler in a thread of this test.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { parseTarget } from '../../base/address.ts';
import { createClock } from '../../base/clock.ts';
import { startLoad } from '../drive.ts';
import { startServer } from '../testing/start-server.ts';
import type { ClientProfile, ProfileStack } from './client-profile.ts';
import { beginInspection } from './inspection.ts';

const names = ({ frames }: ProfileStack) => frames.map(({ name }) => name);

test('each stack begins with its thread, and our functions are in it', async () => {
  await using server = await startServer();
  let profile: ClientProfile | undefined;
  const load = startLoad({
    target: parseTarget(server.target),
    arrival: 'closed',
    ratePerSec: null,
    connectionCount: 10,
    threadCount: 2,
    durationNs: 0.8e9,
    timeoutNs: 5e9,
    seed: 1,
    clock: createClock(),
    onProfile: (taken) => {
      profile = taken;
    },
  });
  await load.done;
  const { stacks, sampleCount, source } = profile!;
  assert.ok(sampleCount > 0);
  assert.equal(
    sampleCount,
    stacks.reduce((sum, { count }) => sum + count, 0),
  );
  for (const stack of stacks) assert.match(names(stack)[0]!, /^load thread [01]$/);
  assert.ok(
    stacks.some((stack) => names(stack).some((name) => /^run \(load-thread\.ts:\d+\)$/.test(name))),
    stacks.map((stack) => names(stack).join(';')).join('\n'),
  );
  if (source === 'perf') assert.ok(stacks.some(({ frames }) => frames.at(-1)!.kernel));
  assert.equal(existsSync(`/tmp/perf-${process.pid}.map`), false);
});

function burnFor(ms: number): number {
  let sum = 0;
  for (const endMs = performance.now() + ms; performance.now() < endMs; ) sum += Math.sqrt(sum + 1);
  return sum;
}

test('a thread that may not be sampled from outside profiles itself', async () => {
  const end = await beginInspection(0);
  burnFor(300);
  const stacks = await end();
  assert.ok(
    stacks.some((stack) => names(stack).some((name) => /^burnFor \(profile\.ktest\.ts:\d+\)$/.test(name))),
  );
});
