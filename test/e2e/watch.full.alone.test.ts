// Goal: `watch` shows what goes on while it goes on, in each of its forms, and ends as it should. Method: bin/loopscope
// as a user runs it: on a terminal that script(1) gives it, in pipes, with servers that stall, reload and start anew.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseExposition } from '../../src/report/prometheus/testing/parse-exposition.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { binPath, runLoopscope } from '../fixtures/loopscope.ts';
import { nginxPath, startNginx } from '../fixtures/nginx.ts';
import { freePort, untilListening } from '../fixtures/ports.ts';
import { childPids, findProgram, type Started, start, until } from '../fixtures/process.ts';
import { type StreamObject, watchStream } from '../fixtures/watch-stream.ts';
import { needs } from '../helpers/needs.ts';
import { root } from '../helpers/source-files.ts';

const ESC = '\x1b';
const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());

const isRoot = (t: TestContext) => needs(t, process.geteuid?.() === 0, 'root, for BPF');

type Server = { server: Started; port: number; url: string } & AsyncDisposable;

/** A server whose every nth request takes long, and a client that asks ten times a second. */
async function stallingServer(fault: string): Promise<Server> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const server = start(binPath, ['serve', 'http', '-l', url, '--fault', fault]);
  await untilListening({ port }, 10_000);
  const timer = setInterval(() => {
    fetch(url, { signal: AbortSignal.timeout(5000) }).then(
      (reply) => reply.text(),
      () => {},
    );
  }, 100);
  return {
    server,
    port,
    url,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await server.stop();
    },
  };
}

/** What a terminal of that size is sent; Ctrl-C is typed after so long. */
async function onTerminal(args: string[], size: { columns: number; rows: number }, interruptMs: number) {
  const log = join(folder.path, `terminal-${size.columns}x${size.rows}`);
  const line = [binPath, 'watch', ...args].map((word) => `'${word}'`).join(' ');
  // exec: a shell that stays would die of Ctrl-C itself, and its status be the one that is seen.
  const command = `stty cols ${size.columns} rows ${size.rows}; exec ${line}`;
  await using script = start('script', ['-qec', command, '-E', 'always', log], {
    stdin: 'pipe',
    env: { TERM: 'xterm-256color', NO_COLOR: '' },
  });
  await delay(interruptMs);
  script.child.stdin!.write('\x03');
  const { code } = await script.exited;
  const text = readFileSync(log, 'utf8').replace(/^Script started.*\n/, '');
  return { code, text };
}

const plain = (text: string) => text.replaceAll(new RegExp(`${ESC}\\[[?\\d;]*[A-Za-z]`, 'g'), '');

test('a terminal: rows, a stall within 300 ms of crossing its budget, and the report at the end', async (t) => {
  if (!isRoot(t) || !needs(t, findProgram('script') !== null, 'script (util-linux)')) return;
  const seenMs: number[] = [];
  for (let i = 0; i < 3 && !seenMs.some((ms) => ms < 300); i++) {
    // A new one each time: what waits while it sleeps brings it two sleeps, then four. The first is to come after 2.5 s,
    // when the watch has begun.
    await using served = await stallingServer('sleep:2000ms/25');
    const { code, text } = await onTerminal(
      [`:${served.port}`, '--budget', '20ms'],
      { columns: 120, rows: 24 },
      9000,
    );
    const frames = plain(text).split('Ctrl-C ends with a report');
    assert.ok(frames.length > 12, `${frames.length} draws`);
    assert.match(plain(text), /loop +cycles\/s +work p50/);
    assert.match(plain(text), /observer [\d.]+ % of one CPU/);
    const first = /([\d.]+) (ms|s)… [^\n]*blocked in clock_nanosleep/.exec(plain(text));
    assert.ok(first, plain(text).slice(-3000));
    seenMs.push(Number(first[1]) * (first[2] === 's' ? 1000 : 1) - 20);
    assert.match(
      plain(text),
      /2\.0\d s +\S+ .*blocked in clock_nanosleep/,
      `its end takes its place: ${plain(text).slice(-9000)}`,
    );
    const report = plain(text.slice(text.lastIndexOf(`${ESC}[2K`)));
    assert.match(report, /Where the time of/);
    assert.doesNotMatch(report, /Ctrl-C ends with a report|\^C/);
    assert.equal(code, 0, 'Ctrl-C is how it ends');
  }
  assert.ok(
    seenMs.some((ms) => ms < 300),
    `${seenMs.map((ms) => ms.toFixed(0))} ms after crossing the budget`,
  );
});

test('no line is as wide as the terminal, nor more lines than it has', async (t) => {
  if (!isRoot(t) || !needs(t, findProgram('script') !== null, 'script (util-linux)')) return;
  await using served = await stallingServer('sleep:300ms/5');
  for (const size of [
    { columns: 40, rows: 8 },
    { columns: 70, rows: 14 },
  ]) {
    const { text } = await onTerminal([String(served.server.pid)], size, 2500);
    const live = text.slice(0, text.lastIndexOf(`${ESC}[2K`));
    for (const line of plain(live).split(/[\r\n]+/)) {
      assert.ok([...line.replace('^C', '')].length < size.columns, `${size.columns}: "${line}"`);
    }
    for (const up of live.matchAll(new RegExp(`${ESC}\\[(\\d+)A`, 'g'))) assert.ok(Number(up[1]) < size.rows);
  }
});

test('a pipe: a line a second, one for each stall, ASCII, then the report', async (t) => {
  if (!isRoot(t)) return;
  await using served = await stallingServer('sleep:400ms/10');
  const { stdout, stderr, code } = await runLoopscope(['watch', `:${served.port}`, '--duration', '5s']);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  assert.match(stdout, /^[\n\x20-\x7e]*$/);
  const seconds = stdout.match(/^\d{4}-\S+Z +[\d.]+ s {2}1 loop .* cycles\/s {2}work p50 /gm) ?? [];
  assert.ok(seconds.length >= 3 && seconds.length <= 6, stdout);
  assert.match(stdout, /^\d{4}-\S+Z +[\d.]+ s {2}loop .* found, waits in /m);
  assert.match(stdout, /^\d{4}-\S+Z +[\d.]+ s {2}stuck for [\d.]+ ms and on .* blocked in clock_nanosleep/m);
  assert.match(stdout, /^\d{4}-\S+Z +[\d.]+ s {2}stall 40\d ms .* blocked in clock_nanosleep/m);
  assert.match(stdout, /^Where the time of/m);
});

/** Keys of an object that a table of watch-json.md names, in the row of its type or the paragraphs below. */
function undocumentedKeys(objects: readonly StreamObject[]): string[] {
  const text = readFileSync(join(root, 'docs/reference/watch-json.md'), 'utf8');
  const below = text.slice(text.indexOf('A stall has'));
  const missing = new Set<string>();
  for (const object of objects) {
    if (object.type === 'report') continue;
    const row = text.split('\n').find((line) => line.startsWith(`| \`${object.type}\` |`));
    for (const key of ['type', 'at_ns']) if (!(key in object)) missing.add(`${object.type} lacks ${key}`);
    for (const key of Object.keys(object)) {
      const isCommon = key === 'type' || key === 'at_ns';
      const isStall = /stall$/.test(object.type) && below.includes(`\`${key}\``);
      if (!isCommon && !isStall && !row?.includes(`\`${key}\``)) missing.add(`${object.type}.${key}`);
    }
  }
  return [...missing];
}

test('--json, --on-stall and --prometheus: one story, told three times', async (t) => {
  if (!isRoot(t)) return;
  await using served = await stallingServer('sleep:700ms/8');
  const evidence = join(folder.path, 'evidence.jsonl');
  const command = `sh -c 'cat >> ${evidence}; sleep 0.1'`;
  await using watch = watchStream([
    `cmd:serve http -l ${served.url}`,
    '--prometheus',
    '0',
    '--on-stall',
    command,
  ]);
  const address = await until(
    'the address',
    () => /metrics at (\S+)/.exec(watch.process.output())?.[1],
    10_000,
  );
  const open = await watch.next('an open stall', ({ type }) => type === 'open_stall');
  const duringIt = parseExposition(await (await fetch(address)).text());
  await watch.next('its record', ({ type, open: of }) => type === 'stall' && of === open.open);
  await watch.next('what the observer takes', ({ type }) => type === 'observer');
  await delay(1500);
  const families = parseExposition(await (await fetch(address)).text());
  const { code, report } = await watch.stop();
  assert.equal(code, 0);
  assert.deepEqual(watch.broken, []);
  const [first] = watch.objects;
  assert.deepEqual([first!.type, first!.stream_version], ['start', 1]);
  assert.equal(watch.objects.at(-1), report);
  assert.equal(report!.schema, 'loopscope-report');
  assert.deepEqual(undocumentedKeys(watch.objects), []);

  const stall = watch.objects.find(({ type, open: of }) => type === 'stall' && of === open.open)!;
  assert.ok((stall.wall_ns as number) > 690e6);
  const account = Object.values(stall.account as Record<string, number>).reduce((sum, ns) => sum + ns, 0);
  assert.ok(Math.abs(account - (stall.wall_ns as number)) < 1000, 'the account adds up');
  assert.match(String(stall.cause), /blocked in clock_nanosleep/);

  const told = readFileSync(evidence, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(told.length >= 1);
  assert.equal(told[0].process.pid, served.server.pid);
  assert.ok(['stall', 'open_stall'].includes(told[0].type));
  const counted = watch.objects.find(({ type }) => type === 'on_stall')!;
  assert.equal(counted.run, told.length);
  assert.equal(counted.failed, 0);

  const value = (from: typeof families, name: string, labels: Record<string, string> = {}) =>
    from
      .get(name)!
      .samples.filter((sample) => Object.entries(labels).every(([key, text]) => sample.labels[key] === text))
      .reduce((sum, sample) => sum + sample.value, 0);
  assert.ok(value(duringIt, 'loopscope_loop_open_stall_seconds') > 0.05, 'it was under way');
  assert.equal(value(families, 'loopscope_loops'), 1);
  assert.ok(value(families, 'loopscope_loop_stalls_total', { kind: 'work' }) >= 1);
  assert.ok(value(families, 'loopscope_loop_stalled_seconds_total', { part: 'blocked' }) > 0.6);
  const [sample] = families.get('loopscope_loop_info')!.samples;
  assert.equal(sample!.labels.pid, String(served.server.pid));
});

test('nginx reloads: new workers within a second, the old ones gone', async (t) => {
  if (!isRoot(t) || !needs(t, nginxPath !== null, 'nginx')) return;
  await using nginx = await startNginx({ workerCount: 2 });
  await using watch = watchStream([String(nginx.masterPid)]);
  await watch.next('a window', ({ type }) => type === 'window');
  process.kill(nginx.masterPid, 'SIGHUP');
  const fresh = await until('new workers', () => {
    const pids = childPids(nginx.masterPid).filter((pid) => !nginx.workerPids.includes(pid));
    return pids.length >= 2 && pids;
  });
  const sinceMs = performance.now();
  const isFound = (pid: number) => (object: StreamObject) =>
    object.type === 'loop' && object.state === 'found' && object.pid === pid;
  for (const pid of fresh) await watch.next(`worker ${pid}`, isFound(pid));
  const tookMs = performance.now() - sinceMs;
  assert.ok(tookMs < 1500, `${tookMs.toFixed(0)} ms: a second, and what a busy machine adds`);
  for (const pid of nginx.workerPids) {
    await watch.next(
      `the end of ${pid}`,
      ({ type, state, pid: of }) => type === 'loop' && state === 'gone' && of === pid,
    );
  }
  const { code, report } = await watch.stop();
  assert.equal(code, 0);
  assert.equal((report!.observation as { loops: unknown[] }).loops.length, 4);
});

test('a service that is started anew under its name stays watched', async (t) => {
  if (!isRoot(t)) return;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const serve = () => start(binPath, ['serve', 'http', '-l', url]);
  const first = serve();
  await untilListening({ port }, 10_000);
  await using watch = watchStream([`cmd:serve http -l ${url}`]);
  try {
    await watch.next('the first', ({ type, pid }) => type === 'loop' && pid === first.pid);
  } finally {
    await first.stop();
  }
  await using second = serve();
  await watch.next('the second', ({ type, pid }) => type === 'loop' && pid === second.pid);
  const { code } = await watch.stop();
  assert.equal(code, 0, 'the service is there');
});

test('a pid that ends: so does the watch, with exit status 4', async (t) => {
  if (!isRoot(t)) return;
  await using served = await stallingServer('sleep:1ms/1000000');
  await using watch = watchStream([String(served.server.pid)]);
  await watch.next('a window', ({ type }) => type === 'window');
  served.server.child.kill('SIGKILL');
  const { code } = await watch.process.exited;
  assert.equal(code, 4);
  assert.ok(watch.objects.some(({ type, state }) => type === 'loop' && state === 'gone'));
});

test('a CPU budget that cannot be held is said to be, and stepped down for', async (t) => {
  if (!isRoot(t)) return;
  await using served = await stallingServer('sleep:5ms/1');
  const pid = String(served.server.pid);
  await using watch = watchStream([pid, '--budget', '2ms', '--budget', '0.25%', '--armed', 'always']);
  const tier = await watch.next(
    'a step down',
    ({ type, level, why }) =>
      type === 'tier' && level === 'base' && /over its budget of 0\.25 %/.test(String(why)),
  );
  assert.match(String(tier.why), /the observer took [\d.]+ % of a CPU/);
  const { report } = await watch.stop();
  const { cost } = report!.observation as { cost: { tier_changes: { why: string }[] } };
  assert.ok(cost.tier_changes.some(({ why }) => /over its budget/.test(why)));
});

test('a reader that leaves, and options that make no sense', async (t) => {
  if (!isRoot(t)) return;
  await using served = await stallingServer('sleep:1ms/1000000');
  const line = `'${binPath}' watch ${served.server.pid} --duration 20s | head -n 1`;
  const began = performance.now();
  assert.match(execFileSync('sh', ['-c', line], { encoding: 'utf8', timeout: 15_000 }), /found, waits in/);
  assert.ok(performance.now() - began < 15_000);
  const cases: [args: string[], message: RegExp][] = [
    [['--on-stall', "a 'b"], /quote/],
    [['--prometheus', 'nowhere:99999'], /is not an address/],
    [['--budget', '0%'], /cannot be held/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await runLoopscope([
      'watch',
      String(served.server.pid),
      ...args,
      '--duration',
      '1s',
    ]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});
