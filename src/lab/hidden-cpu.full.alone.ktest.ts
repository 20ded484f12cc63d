// Goal: where a run held windows of several shapes, the doctor says how much CPU lock step hides, by the fit over its own
// windows; where it did not, it claims no figure. Method: the agent of the batching experiment in lock-step under the
// doctor, once alone and once with somebody else's independent requests for half of the time.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { needs } from '../../test/helpers/needs.ts';
import { upToThreeTimes } from '../../test/helpers/tries.ts';
import { parseTarget } from '../base/address.ts';
import { createClock } from '../base/clock.ts';
import { fitCpu } from '../diagnose/facts/cpu-fit.ts';
import { doctor } from '../doctor.ts';
import { startLoad } from '../drive/drive.ts';
import { startCountedServer } from './counted-server.ts';

const program = [join(import.meta.dirname, '..', '..', 'bin', 'loopscope')];
async function inLockStep(target: string, pid: number, besides: boolean) {
  const others = async () => {
    await delay(2500);
    await startLoad({
      clock: createClock(),
      target: parseTarget(target),
      arrival: 'poisson',
      ratePerSec: 1500,
      connectionCount: 40,
      threadCount: 1,
      durationNs: 2.5e9,
      timeoutNs: 2e9,
      seed: 2,
    }).done;
  };
  const [{ run, diagnosis }] = await Promise.all([
    doctor({
      target,
      process: pid,
      arrival: 'synced',
      ratePerSec: 2000,
      connectionCount: 120,
      durationNs: 6e9,
      command: ['doctor'],
    }),
    besides ? others() : null,
  ]);
  const points = run.observation!.windows.map(({ eventCount, cycleCount, cpuNs }) => {
    return { events: eventCount, wakeUps: cycleCount, cpuNs };
  });
  const { culprit, evidence } = diagnosis.verdict;
  return {
    culprit,
    fit: fitCpu(points),
    hidden: evidence.find(({ metric }) => metric === 'hidden_cpu_share'),
  };
}

test('client.synchronised tells the CPU it hides, by the fit over the run’s windows', async (t) => {
  if (!needs(t, process.getuid?.() === 0, 'root')) return;
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-hidden-'));
  try {
    const listen = ['agent', '--listen', `unix:${join(folder, 'agent.sock')}`, '--backend', 'epoll'];
    await using server = await startCountedServer(program, listen);
    await upToThreeTimes(t, async () => {
      const seen = await inLockStep(server.target, server.pid, true);
      assert.equal(seen.culprit, 'client.synchronised');
      // A machine that others use can blur the windows: then there is no fit, as it should be.
      assert.ok(seen.fit && seen.hidden, 'windows of two shapes tell a wake-up from an event');
      assert.match(
        seen.hidden.text,
        /^A wake-up costs .+ and an event .+ \(R² (?:0\.[89]\d|1\.00) over \d+ windows\)/,
      );
      const share = Number(seen.hidden.value);
      t.diagnostic(`${(share * 100).toFixed(0)} % hidden: ${seen.hidden.text}`);
      // A wake-up costs more than an event: with some forty requests in each, much is hidden, and never all.
      assert.ok(share > 0.2 && share < 1, `${share}`);
    });

    const alone = await inLockStep(server.target, server.pid, false);
    assert.equal(
      alone.hidden !== undefined,
      alone.fit !== null,
      'a figure if the windows give one, and only then',
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
