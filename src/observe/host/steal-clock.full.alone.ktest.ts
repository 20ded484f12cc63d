// Goal: what the hypervisor takes from a loop is counted as that, all of it and at the turn it fell on. Method: a loop that
// fills a CPU with long turns; the steal of its stalls beside what /proc/stat counts of that CPU meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { allowedCores } from '../../../test/fixtures/cores.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { createClock } from '../../base/clock.ts';
import { readCpuStat } from '../../kernel/proc/cpu-times.ts';
import { startObservation } from '../observe.ts';
import { plantedBinary, plantLoop } from '../testing/planted-loop.ts';

const MS = 1e6;
/** /proc/stat counts in ticks of 10 ms, and up to one of the scheduler's is not yet in it; at both ends. */
const TICKS_NS = 30 * MS;
const TURNS = 100;

const countedStealNs = (cpu: number): number =>
  readCpuStat()!.cpus.find((times) => times.cpu === cpu)!.stealNs;

test('stalls have the steal that /proc/stat counts', async (t) => {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return;
  if (!needs(t, plantedBinary() !== null, 'a C compiler')) return;
  const cpu = allowedCores()[0]!;
  await using planted = await plantLoop(['e1', 'b20', `x${TURNS}`], { cpu });
  using handle = startObservation({
    pids: [planted.pid],
    clock: createClock(),
    selfPids: [process.pid],
    armed: 'always',
    budgetNs: 10 * MS,
  });
  await delay(100);
  const before = countedStealNs(cpu);
  await planted.run();
  const counted = countedStealNs(cpu) - before;
  const works = handle.stop().stalls.filter(({ kind }) => kind === 'work');
  const seen = works.reduce((sum, { account }) => sum + account.stealNs, 0);
  t.diagnostic(`seen ${(seen / MS).toFixed(1)} ms in ${works.length} turns, counted ${counted / MS} ms`);
  assert.ok(works.length >= TURNS * 0.9, `${works.length} of ${TURNS} seen`);
  // Others on that CPU are stolen from, too, and the loop's own turns are stretched by them.
  assert.ok(seen <= counted + TICKS_NS, 'more than was counted');
  assert.ok(seen >= 0.7 * counted - TICKS_NS, 'less than was counted');
  for (const { account, wallNs } of works) assert.ok(account.stealNs + account.irqNs <= wallNs);
});
