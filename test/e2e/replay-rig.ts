/** A log that nginx wrote under Poisson load, replayed on another nginx, and the log of that. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportObject } from '../../src/report/json/report-object.ts';
import { reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { startNginx } from '../fixtures/nginx.ts';
import { LOG_FORMAT, type Logged, readLog } from '../helpers/compare-logs.ts';

export type Replayed = {
  logged: Logged[];
  replayed: Logged[];
  load: NonNullable<ReportObject['load']>;
  self: ReportObject['self'];
};

/** Drives an nginx that logs, and returns where its log is. Every request has a path of its own. */
export async function makeLog(folder: string, ratePerSec: number, seconds: number): Promise<string> {
  const log = join(folder, 'first.log');
  const scenario = join(folder, 'load.json');
  const count = ratePerSec * seconds;
  const kind = (name: string, weight: number) => ({
    name,
    weight,
    path: `/${name}/{{n}}`,
    data: Array.from({ length: Math.ceil((count * weight) / 16) + 16 }, (_, n) => ({ n })),
    checks: { status: [200, 404] },
  });
  writeFileSync(scenario, JSON.stringify({ kinds: [kind('a', 10), kind('b', 5), kind('missing', 1)] }));
  await using server = await loggingNginx(log);
  const args = ['load', server.url, '--scenario', scenario, '--rate', String(ratePerSec)];
  const made = await runLoopscope([...args, '-d', `${seconds}s`, '-c', '50', '--json']);
  assert.equal(reportOf(made).load!.counts.ok, reportOf(made).load!.counts.planned);
  return log;
}

/** Replays it on an nginx of its own. */
export async function replayOn(folder: string, log: string, args: string[]): Promise<Replayed> {
  const second = join(folder, 'second.log');
  rmSync(second, { force: true });
  await using server = await loggingNginx(second);
  const target = ['replay', log, '--format', LOG_FORMAT, '--target', server.url];
  const { load, self } = reportOf(await runLoopscope([...target, ...args, '--json']));
  // It writes its log to the end.
  await server.process.stop();
  return { logged: readLog(log), replayed: readLog(second), load: load!, self };
}

/** Its /missing is a 404, as every log has some. */
function loggingNginx(log: string) {
  return startNginx({
    http: `log_format all '${LOG_FORMAT}';`,
    server: `access_log ${log} all; location /missing { default_type text/plain; return 404 "none\\n"; }`,
  });
}
