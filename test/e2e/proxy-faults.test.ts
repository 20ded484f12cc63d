// Goal: what goes through a proxy arrives as it was sent, to the byte, however its two sides behave; and a worker that dies
// takes its own connections and no more. Method: seeded cases between clients and an upstream around bin/loopscope.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loopBackends } from '../../src/loop/registry.ts';
import { FlowRig } from '../faults/proxy/flow-rig.ts';
import { until } from '../fixtures/process.ts';
import { startServing } from '../fixtures/serve.ts';
import { needs } from '../helpers/needs.ts';

const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed);

for (const { name, probe } of loopBackends) {
  test(`proxy on ${name}: ten cases, to the byte`, async (t) => {
    const { available, reason } = probe();
    if (!needs(t, available, reason)) return;
    await using rig = await FlowRig.listen();
    await using proxy = await startServing(
      ...['proxy', '-l', '127.0.0.1:0', '-u', `127.0.0.1:${rig.port}`, '--backend', name],
    );
    await rig.run(Number(new URL(proxy.target).port), seeds(10), 10);
    proxy.process.child.kill('SIGTERM');
    await proxy.process.exited;
    const summary = proxy.lines().at(-1) as { flowCount: number; resetCount: number; cutCount: number };
    assert.deepEqual([summary.flowCount, summary.resetCount, summary.cutCount], [10, 2, 0]);
  });
}

test('a worker that is killed takes its own connections; its successor goes on', async () => {
  await using rig = await FlowRig.listen();
  await using proxy = await startServing(
    ...['proxy', '-l', '127.0.0.1:0', '-u', `127.0.0.1:${rig.port}`, '--workers', '2'],
  );
  const port = Number(new URL(proxy.target).port);
  await rig.run(port, seeds(5), 5);
  process.kill(proxy.workerPids[0]!, 'SIGKILL');
  await until(
    'word of the dead worker',
    () => /worker 1 .* was ended by SIGKILL/.test(proxy.process.output()) || null,
  );
  await rig.run(port, seeds(5), 5);
});
