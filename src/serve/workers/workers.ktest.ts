// Goal: reloads, deaths and stops lose nothing but what a killed worker held, and leave nothing behind.
// Method: real masters and workers, and clients that check every answer.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../../test/fixtures/process.ts';
import { wholeOr } from '../../../test/helpers/depth.ts';
import type { Address } from '../../base/address.ts';
import { loopBackends } from '../../loop/registry.ts';
import { chooseAccepting } from '../accept/registry.ts';
import { type ServeWorkersOptions, serveWithWorkers } from '../serve-workers.ts';
import { isAlive, startServerChild } from '../testing/server-child.ts';
import { FRAME_CONVERSATION, ONE_EACH, startSteadyClient } from '../testing/steady-client.ts';

const ANY_PORT: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const available = loopBackends.filter((backend) => backend.probe().available).map(({ name }) => name);
const folder = mkdtempSync(join(tmpdir(), 'loopscope-workers-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const socketPath = (name: string): Address => ({ kind: 'unix', path: join(folder, name) });

for (const backend of wholeOr(available, available.slice(0, 1))) {
  test(`${backend}: workers ended one after the other under load, nothing lost`, async () => {
    const listen = [socketPath(`roll-${backend}.sock`)];
    const options = { protocol: 'frame' as const, listen, backend, workers: 2, leaveTimeoutNs: 20e9 };
    await using server = await startServerChild(options);
    const client = startSteadyClient(server.address, { connections: 8, ...FRAME_CONVERSATION });
    await until('replies', () => client.counts.answeredCount > 50);
    for (const [place, pid] of server.ready.workers.entries()) {
      process.kill(pid, 'SIGTERM');
      await until('a successor', async () => {
        const now = await server.pids();
        return now.length === 2 && now[place] !== pid;
      });
      await delay(50);
    }
    const others = startSteadyClient(server.address, { connections: 4, ...FRAME_CONVERSATION });
    await until('replies of the new ones', () => others.counts.answeredCount > 50);
    for (const one of [client, others]) {
      const { lostCount, wrongCount } = await one.stop();
      assert.deepEqual([lostCount, wrongCount], [0, 0]);
    }
    await until('the old ones to go', () => !server.ready.workers.some(isAlive));
    assert.equal((await server.stop()).summary.cutCount, 0);
    assert.equal(existsSync(join(folder, `roll-${backend}.sock`)), false);
  });

  test(`${backend}: connections that come just as an idle worker leaves are served`, async () => {
    const listen = [socketPath(`churn-${backend}.sock`)];
    await using server = await startServerChild({ protocol: 'http', listen, backend, workers: 2 });
    const client = startSteadyClient(server.address, { connections: 3, ...ONE_EACH });
    for (let reload = 0; reload < 2; reload++) {
      const before = await server.pids();
      server.child.kill('SIGHUP');
      await until('the old ones to go', () => !before.some(isAlive), 15_000);
    }
    const { lostCount, wrongCount, connectionCount } = await client.stop();
    assert.deepEqual([lostCount, wrongCount], [0, 0]);
    assert.equal((await server.stop()).summary.acceptCount, connectionCount);
  });

  test(`${backend}: a worker killed is replaced, and loses only what it held`, async () => {
    const options = {
      protocol: 'frame' as const,
      listen: [ANY_PORT],
      backend,
      workers: 2,
      accept: 'reuseport',
    };
    await using server = await startServerChild(options);
    const client = startSteadyClient(server.address, { connections: 30, ...FRAME_CONVERSATION });
    await until('replies', () => client.counts.answeredCount > 300);
    process.kill(server.ready.workers[0]!, 'SIGKILL');
    await until('a successor', async () =>
      (await server.pids()).every((pid) => pid !== server.ready.workers[0]),
    );
    const before = client.counts.answeredCount;
    await until('all to be served again', () => client.counts.answeredCount > before + 300);
    const { lostCount, wrongCount } = await client.stop();
    const { summary } = await server.stop();
    assert.equal(wrongCount, 0);
    assert.ok(lostCount <= summary.cutCount, `${lostCount} lost, ${summary.cutCount} held`);
    assert.ok(summary.cutCount > 0 && summary.cutCount < 30, `${summary.cutCount} of 30`);
    assert.match(server.news.join(), /worker 1 \(pid \d+\) was ended by SIGKILL, with \d+ connections/);
  });

  test(`${backend}: a master killed takes its workers with it, and its socket file is taken over`, async () => {
    const listen = [socketPath(`gone-${backend}.sock`)];
    const options = { protocol: 'echo' as const, listen, backend, workers: 2 };
    await using server = await startServerChild(options);
    server.child.kill('SIGKILL');
    await server.exited;
    await until('the workers to go', () => !server.ready.workers.some(isAlive));
    assert.ok(existsSync(join(folder, `gone-${backend}.sock`)), 'nobody was left to remove it');
    await using next = await startServerChild(options);
    const echo = startSteadyClient(next.address, {
      connections: 1,
      request: 'abc',
      judge: (text) => (text.length < 3 ? null : { right: text === 'abc', last: false }),
    });
    await until('an echo', () => echo.counts.answeredCount > 3);
    assert.equal((await echo.stop()).wrongCount, 0);
    assert.equal((await next.stop()).code, 0);
    assert.equal(existsSync(join(folder, `gone-${backend}.sock`)), false);
  });
}

test('a worker that keeps dying is started again, later and later; a stop does not wait for it', async () => {
  const options = { protocol: 'frame' as const, listen: [ANY_PORT], workers: 1 };
  await using server = await startServerChild(options);
  const descriptors = () => readdirSync(`/proc/${server.child.pid}/fd`).length;
  const before = descriptors();
  let [pid] = server.ready.workers;
  for (let i = 0; i < 3; i++) {
    process.kill(pid!, 'SIGKILL');
    [pid] = await until('a successor', async () => {
      const now = await server.pids();
      return now.length === 1 && now[0] !== pid && now;
    });
  }
  assert.equal(server.news.length, 3);
  assert.ok(descriptors() <= before, 'no descriptor is left of the dead');
  const { summary, code } = await server.stop();
  assert.equal(code, 0);
  assert.equal(summary.stats.length, 4);
  assert.equal(isAlive(pid!), false);
});

test('a stop does not wait for ever for a worker that hangs', async () => {
  const options = { protocol: 'echo' as const, listen: [ANY_PORT], workers: 2, stopTimeoutNs: 100e6 };
  await using server = await startServerChild(options);
  process.kill(server.ready.workers[1]!, 'SIGSTOP');
  const { summary, code } = await server.stop();
  assert.equal(code, 0);
  assert.equal(summary.stats.length, 2, 'its counters are read all the same');
  assert.deepEqual(server.ready.workers.map(isAlive), [false, false]);
});

test('a socket file has the mode that was asked for; workers run where and how they were told', async () => {
  const address = socketPath('mode.sock');
  await using server = await startServerChild({
    protocol: 'frame',
    listen: [address],
    workers: 2,
    listenOptions: { unixMode: 0o600, backlog: 7 },
    placement: { cpus: [0], nice: 5 },
  });
  assert.equal(statSync(join(folder, 'mode.sock')).mode & 0o777, 0o600);
  for (const pid of server.ready.workers) {
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Cpus_allowed_list:\s+0$/m);
    assert.equal(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[16], '5');
  }
  assert.equal((await server.stop()).code, 0);
});

test('workers that cannot start end the start, with the first reason; a reload that cannot leaves all as it is', async () => {
  const news: string[] = [];
  const options = { protocol: 'echo' as const, listen: [ANY_PORT], workers: 2, accept: 'auto' };
  const start = (changes: Partial<ServeWorkersOptions>) =>
    serveWithWorkers({
      ...options,
      signal: AbortSignal.timeout(20_000),
      onNews: (text) => news.push(text),
      ...changes,
    });
  const before = readdirSync('/proc/self/fd').length;
  await assert.rejects(start({ placement: { cpus: [8000], nice: null } }), {
    code: 'SYSCALL',
    message: /CPU 8000/,
  });
  assert.deepEqual(news, []);
  const stop = new AbortController();
  let pids: number[][] = [];
  const summary = await start({
    signal: stop.signal,
    reloadSettings: () => ({ connectionLimit: -1 }),
    onReady: async (_, control) => {
      pids = [control.pids()];
      await control.reload();
      pids.push(control.pids());
      stop.abort();
    },
  });
  assert.match(news.join(), /^reload failed: .*; the workers stay as they are$/);
  assert.deepEqual(pids[0], pids[1]);
  assert.equal(summary.requestCount, 0);
  assert.equal(readdirSync('/proc/self/fd').length, before, 'descriptors left open');
});

test('what does not go together is refused before anything is opened', async () => {
  assert.throws(() => chooseAccepting('shared', 'ring'), { code: 'USAGE', hint: /--accept multishot/ });
  assert.throws(() => chooseAccepting('sharded', 'auto'), { code: 'USAGE', hint: /exclusive, multishot/ });
  assert.equal(chooseAccepting('mutex', 'auto').backend, 'epoll');
});
