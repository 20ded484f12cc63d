// Goal: a client that cannot keep up says what held it: its codec, its ports, another process (a quota: scenarios.ts). Method: each
// planted, with an allocating codec that has time enough for a look-alike; the verdict is asked for up to three times.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReportObject } from '../../src/report/json/report-object.ts';
import { allowedCores } from '../fixtures/cores.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { startHog } from '../fixtures/hog.ts';
import { evidenceText, reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { findProgram } from '../fixtures/process.ts';
import { startServing } from '../fixtures/serve.ts';
import { needs } from '../helpers/needs.ts';
import { upToThreeTimes } from '../helpers/tries.ts';

/** More than any client could send; fewer seconds than it would take to notice. */
const TOO_MUCH = ['--rate', '200k', '-d', '2s', '--json'];

/** Replies read as a beginner would: all of the text, and a table of it, for each. */
const ALLOCATING = `
export const codec = {
  name: 'allocating',
  encodeRequest: () => new TextEncoder().encode('GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'),
  replyLength(bytes, start, end) {
    const text = new TextDecoder('latin1').decode(bytes.subarray(start, end));
    const table = Array.from({ length: 500 }, (_, i) => ({ i, at: text.charCodeAt(i % text.length) }));
    const headEnd = text.indexOf('\\r\\n\\r\\n');
    const length = /content-length: *(\\d+)/i.exec(text);
    return headEnd < 0 || table.length === 0 ? 0 : headEnd + 4 + Number(length[1]);
  },
};
`;

/** A share of the client's time, 0 when it was not worth telling. */
function shareOf({ verdict }: ReportObject, part: string): number {
  return Number(verdict.evidence.find(({ metric }) => metric === `client.time.${part}`)?.value ?? 0);
}

/** A codec of a user's, in a file. */
function greedyCodec(folder: string): string {
  const path = join(folder, 'greedy.mjs');
  writeFileSync(path, ALLOCATING);
  return path;
}

function says(report: ReportObject, ...patterns: RegExp[]): void {
  assert.equal(report.verdict.culprit, 'client.saturated', report.verdict.headline);
  const text = evidenceText(report, 'client.saturated');
  for (const pattern of patterns) assert.match(text, pattern);
}

test('a codec that allocates is named when the client cannot keep up, and not when it can', async (t) => {
  using folder = temporaryFolder();
  await using server = await startServing('http', '--listen', 'http://127.0.0.1:0');
  const target = server.target.replace('http:', 'tcp:').replace(/\/$/, '');
  const load = ['load', target, '--codec', greedyCodec(folder.path), '-c', '50'];
  await upToThreeTimes(t, async () => {
    const report = reportOf(await runLoopscope([...load, ...TOO_MUCH]));
    says(report, /greedy\.mjs allocates about [\d.]+ [KM]iB a reply/);
    // Others may take the CPU away from it; of what it had, its codec took most.
    const codec = shareOf(report, 'parsing') + shareOf(report, 'garbage');
    assert.ok(codec > shareOf(report, 'kernel'), JSON.stringify(report.verdict.evidence));
  });
  await upToThreeTimes(t, async () => {
    const calm = reportOf(await runLoopscope([...load, '--rate', '100', '-d', '1500ms', '--json']));
    assert.notEqual(calm.verdict.culprit, 'client.saturated', calm.verdict.headline);
  });
});

test('a hundred local ports, taken up by connections of one request each', async (t) => {
  const inOwnNetwork =
    process.getuid!() === 0 && findProgram('unshare') !== null && findProgram('ip') !== null;
  if (!needs(t, inOwnNetwork, 'root, unshare and ip')) return;
  const script = `ip link set lo up
echo '40000 40099' > /proc/sys/net/ipv4/ip_local_port_range
"$0" serve http --listen http://127.0.0.1:26100 --die-with-parent >/dev/null & server=$!
until "$0" load http://127.0.0.1:26100/ -c 1 -n 1 --json >/dev/null 2>&1; do sleep 0.1; done
"$0" "$@"; status=$?
kill $server; exit $status`;
  const prefix = ['unshare', '-n', '/bin/sh', '-c', script];
  const args = ['load', 'http://127.0.0.1:26100/', '-c', '50', '--requests-per-connection', '1'];
  await upToThreeTimes(t, async () =>
    says(
      reportOf(await runLoopscope([...args, '-d', '1500ms', '--json'], { prefix })),
      /ran out of local ports: .* of 40000–40099/,
      /In TIME_WAIT at the end: \d+ connections to this run’s target/,
    ),
  );
});

test('a core shared with a busy process: the wait is told, and who it was for', async (t) => {
  if (!needs(t, findProgram('taskset') !== null, 'taskset')) return;
  const core = allowedCores()[0]!;
  using folder = temporaryFolder();
  await using server = await startServing('http', '--listen', 'http://127.0.0.1:0');
  const target = server.target.replace('http:', 'tcp:').replace(/\/$/, '');
  const load = ['load', target, '--codec', greedyCodec(folder.path), '-c', '50', ...TOO_MUCH];
  await upToThreeTimes(t, async () => {
    await using _hog = await startHog(core);
    says(
      reportOf(await runLoopscope(load, { prefix: ['taskset', '-c', String(core)] })),
      /of its time waiting for a CPU/,
      // The hog on a quiet machine; on another one whoever used more.
      /Meanwhile, on its CPUs, \S+ \(pid \d+\) used [\d.]+ % of a CPU/,
    );
  });
});
