// Goal: as proxy-faults.test.ts, in three hundred cases, by halves on each back end. Method: the same rig, more seeds.
import { test } from 'node:test';
import { loopBackends } from '../../src/loop/registry.ts';
import { FlowRig } from '../faults/proxy/flow-rig.ts';
import { startServing } from '../fixtures/serve.ts';
import { needs } from '../helpers/needs.ts';

for (const { name, probe } of loopBackends) {
  test(`proxy on ${name}: a hundred and fifty cases, to the byte`, async (t) => {
    const { available, reason } = probe();
    if (!needs(t, available, reason)) return;
    await using rig = await FlowRig.listen();
    await using proxy = await startServing(
      ...['proxy', '-l', '127.0.0.1:0', '-u', `127.0.0.1:${rig.port}`, '--backend', name],
    );
    const seeds = Array.from({ length: 150 }, (_, i) => (name === 'ring' ? 1000 : 2000) + i);
    await rig.run(Number(new URL(proxy.target).port), seeds, 40);
  });
}
