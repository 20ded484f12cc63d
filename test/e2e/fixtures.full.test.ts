// Goal: what the end-to-end tests stand on does what it claims. Method: start each fixture, look at it through /proc
// and a plain client, and count what is left afterwards, also when the process that started it is killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { test } from 'node:test';
import { cpuGroupObstacle, createCpuGroup } from '../fixtures/cgroup.ts';
import { serverAndOtherCore } from '../fixtures/cores.ts';
import { startHog } from '../fixtures/hog.ts';
import { MISBEHAVIOURS, startHostileServer } from '../fixtures/hostile-server.ts';
import { nginxPath, startNginx } from '../fixtures/nginx.ts';
import { startNodeServer } from '../fixtures/node-server.ts';
import { statusField, until } from '../fixtures/process.ts';
import { redisServerPath, startRedis } from '../fixtures/redis.ts';
import { attachStrace, stracePath } from '../fixtures/strace.ts';
import { needs } from '../helpers/needs.ts';

const isRoot = process.getuid?.() === 0;

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, timeout: 2000 }, (response) => {
      let text = '';
      response.setEncoding('latin1');
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    })
      .on('timeout', function (this: import('node:http').ClientRequest) {
        this.destroy(new Error('timeout'));
      })
      .on('error', reject);
  });
}

const alive = (pid: number) =>
  statusField(pid, 'State') !== null && !statusField(pid, 'State')!.startsWith('Z');

test('nginx answers with the workers asked for, pinned, and leaves none', async (t) => {
  if (!needs(t, nginxPath !== null, 'nginx')) return;
  let pids: number[];
  {
    await using nginx = await startNginx({ workerCount: 2, core: serverAndOtherCore()?.server ?? 0 });
    pids = [nginx.masterPid, ...nginx.workerPids];
    assert.equal(new Set(pids).size, 3);
    assert.equal(await fetchText(nginx.url), 'hello\n');
    for (const pid of pids) {
      assert.equal(statusField(pid, 'Cpus_allowed_list'), String(serverAndOtherCore()?.server ?? 0));
    }
  }
  assert.deepEqual(pids.filter(alive), []);
});

test('redis answers and may be told to sleep', async (t) => {
  if (!needs(t, redisServerPath !== null, 'redis-server')) return;
  await using redis = await startRedis();
  const before = performance.now();
  assert.equal(await redis.command('DEBUG SLEEP 0.05'), '+OK');
  assert.ok(performance.now() - before >= 50);
});

test('each fault of the Node server answers', async () => {
  for (const fault of ['none', 'burn', 'fsync', 'slow-replies', 'burn-in-worker', 'fsync-in-pool'] as const) {
    await using server = await startNodeServer(fault);
    assert.equal(await fetchText(server.url), 'hello\n', fault);
  }
});

test('the hog runs under its name on its core, and uses CPU', async () => {
  const core = serverAndOtherCore()?.server ?? 0;
  await using hog = await startHog(core);
  assert.equal(statusField(hog.pid, 'Name'), 'hog-planted');
  assert.equal(statusField(hog.pid, 'Cpus_allowed_list'), String(core));
  const cpuNs = () => Number(readFileSync(`/proc/${hog.pid}/schedstat`, 'utf8').split(' ')[0]);
  const first = cpuNs();
  await until('the hog to burn CPU', () => cpuNs() - first > 20e6);
});

test('a quota throttles, and its group is removed', async (t) => {
  if (!needs(t, isRoot && cpuGroupObstacle() === null, cpuGroupObstacle() ?? 'root')) return;
  let path: string;
  {
    await using hog = await startHog(serverAndOtherCore()?.server ?? 0);
    await using group = createCpuGroup(0.2);
    path = group.path;
    group.add(hog.pid);
    await until('the group to be throttled', () => group.throttledCount() >= 2);
  }
  assert.equal(existsSync(path), false);
});

test('strace attaches', async (t) => {
  if (!needs(t, isRoot && stracePath !== null, 'strace and root')) return;
  await using server = await startNodeServer('none');
  {
    await using strace = await attachStrace([server.pid]);
    assert.equal(Number(statusField(server.pid, 'TracerPid')), strace.pid);
  }
  assert.equal(statusField(server.pid, 'TracerPid'), '0');
});

test('no hostile server gives a whole reply', async () => {
  for (const misbehaviour of MISBEHAVIOURS) {
    await using server = await startHostileServer(misbehaviour);
    await assert.rejects(fetchText(server.url), misbehaviour);
    assert.equal(server.connectionCount(), 1, misbehaviour);
  }
});

test('what a killed test process had started is ended for it', async (t) => {
  if (!needs(t, nginxPath !== null, 'nginx')) return;
  const code = `
    const { startNginx } = await import(${JSON.stringify(new URL('../fixtures/nginx.ts', import.meta.url).href)});
    const nginx = await startNginx({ workerCount: 2 });
    console.log(JSON.stringify([nginx.masterPid, ...nginx.workerPids]));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    code,
  ]);
  const pids: number[] = await new Promise((resolve) => {
    child.stdout.on('data', (chunk) => resolve(JSON.parse(chunk.toString())));
  });
  const folder = commandLineFolder(pids[0]!);
  child.kill('SIGKILL');
  assert.match(folder, /loopscope-test-/);
  await until('nginx to be gone', () => pids.every((pid) => !alive(pid)));
  await until('its folder to be gone', () => !existsSync(folder));
});

/** nginx rewrites its arguments into one title, "nginx: master process nginx -p FOLDER …". */
function commandLineFolder(pid: number): string {
  return / -p (\S+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '))?.[1] ?? '';
}
