// Goal: a stall of each kind, planted in each kind of server, is accounted for: told with its length, at most a tenth of
// it unexplained, and most of it under its own name. Method: the servers as they are installed, under light traffic, with
// a library in them that stalls their loop when asked to; `watch --json` looks on. planted-repeat.ts plants more of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeQuotaGroup } from '../../src/observe/testing/limited-group.ts';
import { allowedCores } from '../fixtures/cores.ts';
import { HTTP, keepTalking, PLANTABLE_SERVERS } from '../fixtures/plantable-servers.ts';
import { canPlant } from '../fixtures/planter.ts';
import { startServing } from '../fixtures/serve.ts';
import { watchStream } from '../fixtures/watch-stream.ts';
import { needs } from '../helpers/needs.ts';
import { isOf, STALL_KINDS, startSession } from './planted-kinds.ts';

const RIGHT_WANTED = 2;
/** Others run on this machine: what they do to a stall is theirs. */
const TRIES = 6;

function canMakeQuota(): boolean {
  using group = makeQuotaGroup(50, 25_000);
  return group !== null;
}

for (const server of PLANTABLE_SERVERS) {
  test(`${server.name}: stalls of each kind are accounted for`, async (t) => {
    if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return;
    if (!needs(t, canPlant(), 'a C compiler') || !needs(t, canMakeQuota(), 'a writable cpu cgroup')) return;
    const obstacle = server.obstacle();
    if (!needs(t, obstacle === null, obstacle ?? '')) return;
    await using session = await startSession(server, allowedCores().at(-1)!);
    for (const kind of STALL_KINDS) {
      const wrong: string[] = [];
      let right = 0;
      for (let i = 0; i < TRIES && right < RIGHT_WANTED; i++) {
        const judged = await session.plantOne(kind);
        if (judged.right) right++;
        else wrong.push(judged.why);
      }
      if (wrong.length > 0) t.diagnostic(`${kind.name}: ${wrong.join('\n')}`);
      assert.equal(right, RIGHT_WANTED, `${kind.name}: ${wrong.join('\n')}`);
    }
  });
}

test('serve on a ring with faults of its own: each that hit is a stall of its kind', async (t) => {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return;
  const faults = { CPU: 'heavy:20ms/31', sleep: 'sleep:20ms/37' };
  const args = ['--backend', 'ring', '--reply', 'hello', '-l', 'http://127.0.0.1:0/'];
  await using server = await startServing('http', ...args, '--fault', ...Object.values(faults));
  await using watch = watchStream([String(server.pid), '--armed', 'always', '--budget', '15ms']);
  await watch.next('a window', ({ type }) => type === 'window');
  {
    using _traffic = keepTalking(Number(new URL(server.target).port), HTTP);
    await delay(2500);
  }
  await delay(200);
  const { report } = await watch.stop();
  assert.ok(report);
  await server.process.stop();
  const hits = server.lines().at(-1)!.faultHits as Record<string, number>;
  const stalls = watch.objects.filter(({ type, kind }) => type === 'stall' && kind === 'work');
  for (const [name, spec] of Object.entries(faults)) {
    const kind = STALL_KINDS.find((other) => other.name === name)!;
    const count = stalls.filter((stall) => isOf(kind, stall)).length;
    assert.ok(hits[spec]! > 5, JSON.stringify(hits));
    const told = () => JSON.stringify(stalls.map(({ wall_ns, parts }) => ({ wall_ns, parts })));
    // A turn that met both is of one kind, and others may take more of it than the fault did.
    assert.ok(Math.abs(count - hits[spec]!) <= 0.1 * hits[spec]! + 1, `${count} of ${hits[spec]}: ${told()}`);
  }
});
