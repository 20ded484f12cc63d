// Goal: a replay is true to its log in time, by the log of the server that it meets: gaps and bunches alike, no drift; at
// its own speed, twice and half of it. Method: Poisson load on one nginx, its log replayed on another; logs compared by
// definitions, and what the tool says of itself beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { nginxPath } from '../fixtures/nginx.ts';
import { dispersion, distance, finalLagMs, gapsMs } from '../helpers/compare-logs.ts';
import { needs } from '../helpers/needs.ts';
import { upToThreeTimes } from '../helpers/tries.ts';
import { makeLog, replayOn } from './replay-rig.ts';

for (const speed of [1, 2, 0.5]) {
  test(`2000 requests a second, at speed ${speed}`, async (t) => {
    if (!needs(t, nginxPath !== null, 'nginx')) return;
    await upToThreeTimes(t, async () => {
      using folder = temporaryFolder();
      const log = await makeLog(folder.path, 2000, 4);
      const { logged, replayed, load, self } = await replayOn(folder.path, log, [
        ...['--speed', String(speed)],
        '--spin',
      ]);
      const { fidelity, starved } = load.replay!;
      assert.ok(fidelity!.gaps!.ks_distance <= 0.05, `gaps: ${fidelity!.gaps!.ks_distance}`);
      assert.ok(fidelity!.lag!.final_ns <= 1e6, `final lag: ${fidelity!.lag!.final_ns} ns`);
      for (const { window_ms, ratio } of fidelity!.dispersion.slice(1)) {
        assert.ok(ratio! > 0.9 && ratio! < 1.1, `dispersion at ${window_ms} ms: ${ratio}`);
      }
      assert.equal(starved.requests, 0);
      // Of the logs. Twice as fast, a millisecond of the second is two of the first: gaps of many requests are compared
      // then, which are long beside that.
      const step = speed === 1 ? 1 : 16;
      const apart = distance(gapsMs(logged, step, 1), gapsMs(replayed, step, speed), speed === 1 ? 0 : 2);
      assert.ok(apart <= 0.05, `gaps of the logs: ${apart}`);
      for (const windowMs of [10, 100]) {
        const ratio = dispersion(replayed, windowMs, speed) / dispersion(logged, windowMs, 1);
        assert.ok(ratio > 0.9 && ratio < 1.1, `dispersion of the logs at ${windowMs} ms: ${ratio}`);
      }
      assert.ok(Math.abs(finalLagMs(logged, replayed, speed)) <= 1, 'final lag of the logs');
      assert.deepEqual(
        self.checks.filter(({ name, verdict }) => name.startsWith('replay-') && verdict === 'VOID'),
        [],
      );
    });
  });
}
