// Goal: what the observer sees of a server from outside is what the server counted inside, for every accept strategy and
// back end. Method: our own workers under load, their counters in shared memory beside the probes' counts; within 1 %.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { needs } from '../../test/helpers/needs.ts';
import { parseTarget } from '../base/address.ts';
import { createClock } from '../base/clock.ts';
import { startLoad } from '../drive/drive.ts';
import { startObservation } from '../observe/observe.ts';
import type { CycleWindow } from '../record/observation.ts';
import { YIELD_EVERY_NS } from '../serve/run.ts';
import type { WorkerStats } from '../serve/stats.ts';
import { type ServerCounters, startCountedServer } from './counted-server.ts';

const program = [join(import.meta.dirname, '..', '..', 'bin', 'loopscope')];

const CASES: [accept: string | null, backend: 'ring' | 'epoll'][] = [
  [null, 'epoll'],
  [null, 'ring'],
  ['shared', 'epoll'],
  ['exclusive', 'epoll'],
  ['mutex', 'epoll'],
  ['mutex-multi', 'epoll'],
  ['reuseport', 'epoll'],
  ['reuseport', 'ring'],
  ['multishot', 'ring'],
];

/** Workers wake 20 times a second for signals; the two views begin and end some milliseconds apart. */
const EDGE_COUNT = 12;
const SHARE = 0.01;

for (const [accept, backend] of CASES) {
  test(`${accept ?? 'one process'} on ${backend}: cycles, events, accepts and EAGAINs agree`, async (t) => {
    if (!needs(t, process.getuid?.() === 0, 'root')) return;
    const workers = accept === null ? [] : ['--workers', '4', '--accept', accept];
    const listen = ['--listen', 'http://127.0.0.1:0/', '--backend', backend];
    await using server = await startCountedServer(program, ['http', ...listen, ...workers]);
    const clock = createClock();
    using observation = startObservation({
      pids: server.pids,
      clock,
      selfPids: [process.pid],
      tier: 'bpf',
      armed: 'never',
    });
    const before = await server.counters();
    const startNs = clock.nowNs();
    const load = startLoad({
      clock,
      target: parseTarget(server.target),
      arrival: 'poisson',
      ratePerSec: 8000,
      connectionCount: 64,
      threadCount: 1,
      durationNs: 1.5e9,
      timeoutNs: 5e9,
      seed: 1,
      requestsPerConnection: 5,
      sourceAddresses: ['127.0.0.1', '127.0.0.2'],
    });
    await load.done;
    // The last connections are closed, and all is quiet.
    await delay(150);
    const after = await server.counters();
    const wakes = (server.pids.length * (clock.nowNs() - startNs)) / YIELD_EVERY_NS;
    const { windows, losses } = observation.stop();
    assert.deepEqual(losses.mapFullDrops, 0);

    const outside = (pick: (window: CycleWindow) => number) => windows.reduce((sum, w) => sum + pick(w), 0);
    const inside = (field: keyof WorkerStats) => grown(before, after, field);
    agree(
      'cycles',
      outside((w) => w.cycleCount),
      inside('cycles'),
    );
    agree(
      'events',
      outside((w) => w.eventCount),
      // On the ring the timer that wakes a worker is a completion like others.
      inside('events') + (backend === 'ring' ? wakes : 0),
    );
    assert.ok(inside('events') > 10_000, `${inside('events')} events`);
    // On the ring accepts are no system calls of their own: the kernel makes them, and no probe sees them.
    agree(
      'accepts',
      outside((w) => w.acceptCount),
      backend === 'ring' ? 0 : inside('accepts'),
    );
    agree(
      'first EAGAINs',
      outside((w) => w.acceptFirstEagainCount),
      inside('acceptsInVain'),
    );
    agree(
      'closing EAGAINs',
      outside((w) => w.acceptTailEagainCount),
      inside('acceptsEmpty') - inside('acceptsInVain'),
    );
    t.diagnostic(`cycles ${outside((w) => w.cycleCount)} outside, ${inside('cycles')} inside`);
  });
}

function grown(before: ServerCounters[], after: ServerCounters[], field: keyof WorkerStats): number {
  return after.reduce((sum, row, i) => sum + Number(row.stats[field]) - Number(before[i]!.stats[field]), 0);
}

function agree(what: string, outside: number, inside: number): void {
  const apart = Math.abs(outside - inside);
  assert.ok(
    apart <= Math.max(EDGE_COUNT, SHARE * inside),
    `${what}: ${outside} outside, ${inside.toFixed(0)} inside, ${((apart / Math.max(1, inside)) * 100).toFixed(1)} % apart`,
  );
}
