// Goal: a proxy's workers share connections by every accept strategy, and each byte arrives. Method: five seeded cases for
// each, around bin/loopscope with two workers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loopBackends } from '../../src/loop/registry.ts';
import { ACCEPT_STRATEGIES } from '../../src/serve/accept/registry.ts';
import { FlowRig } from '../faults/proxy/flow-rig.ts';
import { startServing } from '../fixtures/serve.ts';
import { needs } from '../helpers/needs.ts';

const SEEDS = Array.from({ length: 5 }, (_, seed) => 5000 + seed);

for (const { name, backends } of ACCEPT_STRATEGIES) {
  test(`two workers, ${name}`, async (t) => {
    const { probe } = loopBackends.find((backend) => backend.name === backends[0])!;
    if (!needs(t, probe().available, probe().reason)) return;
    await using rig = await FlowRig.listen();
    await using proxy = await startServing(
      ...['proxy', '-l', '127.0.0.1:0', '-u', `127.0.0.1:${rig.port}`],
      ...['--workers', '2', '--accept', name],
    );
    await rig.run(Number(new URL(proxy.target).port), SEEDS, 5);
    proxy.process.child.kill('SIGTERM');
    assert.equal((await proxy.process.exited).code, 0);
    const { flowCount, cutCount } = proxy.lines().at(-1) as { flowCount: number; cutCount: number };
    assert.deepEqual([flowCount, cutCount], [5, 0]);
  });
}
