/**
 * What the doctor must name on real servers, and beside each the look-alike that must not get that name. One row a
 * situation: what is planted, the command a user would type, and how the answer is judged. They are run by
 * acceptance.full.alone.test.ts; repeat.ts runs one many times.
 */
import type { CulpritId } from '../../src/diagnose/finding.ts';
import { cpuGroupObstacle, createCpuGroup } from '../fixtures/cgroup.ts';
import { serverAndOtherCore } from '../fixtures/cores.ts';
import { startHog } from '../fixtures/hog.ts';
import { nginxPath, startNginx } from '../fixtures/nginx.ts';
import { type NodeFault, startNodeServer } from '../fixtures/node-server.ts';
import {
  nowAndThen,
  redisBenchmarkPath,
  redisServerPath,
  startRedis,
  startRedisTraffic,
} from '../fixtures/redis.ts';
import { attachStrace, stracePath } from '../fixtures/strace.ts';

export type Scenario = {
  name: string;
  title: string;
  /** Right answers; empty for a look-alike, of which only `mustNotBe` is asked. */
  expected: CulpritId[];
  /** Wrong answers, as whole ids or families ("loop."). */
  mustNotBe: string[];
  exitCodes?: number[];
  /** The gate has others like it, and look-alikes of each rule as runs made by hand: asked by repeat.ts alone. */
  seldom?: true;
  /** Why it cannot be planted here, or null. */
  obstacle(): string | null;
  plant(): Promise<Planted>;
};

export type Planted = {
  args: string[];
  prefix?: string[];
  /** Each must be found in the evidence for the culprit. */
  evidence?: RegExp[];
  [Symbol.asyncDispose](): Promise<void>;
};

const isRoot = process.getuid?.() === 0;
const cores = serverAndOtherCore();
const SECONDS = ['--duration', '4s'];

const needsNginx = () => (nginxPath ? (isRoot ? null : 'root') : 'nginx');
const needsNginxAndCores = () => needsNginx() ?? (cores ? null : 'two CPUs');
const needsGroup = () => needsNginxAndCores() ?? cpuGroupObstacle();
const needsRoot = () => (isRoot ? null : 'root');
const needsRedis = () =>
  redisServerPath && redisBenchmarkPath ? needsRoot() : 'redis-server and redis-benchmark';
const needsStrace = () => needsNginx() ?? (stracePath ? null : 'strace');

/** Builds what is planted from parts that end in reverse order; ends them too when a later one fails. */
export async function planted(
  build: (stack: AsyncDisposableStack) => Promise<Omit<Planted, typeof Symbol.asyncDispose>>,
) {
  const stack = new AsyncDisposableStack();
  try {
    return { ...(await build(stack)), [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

const doctor = (url: string, pid: number, ...more: string[]) => [
  ...['doctor', url, '--pid', String(pid), '--json', ...SECONDS],
  ...more,
];

/** A pinned worker, and a process that never stops computing: on its core, or on another. */
const neighbour = (where: 'server' | 'other') =>
  planted(async (stack) => {
    const nginx = stack.use(await startNginx({ core: cores!.server }));
    const hog = stack.use(await startHog(cores![where]));
    return {
      args: doctor(nginx.url, nginx.masterPid, '--rate', '2000', '--connections', '20'),
      evidence: [new RegExp(`hog-planted|\\b${hog.pid}\\b`)],
    };
  });

/** A worker in a cgroup with a quota, with or without a busy neighbour on its core. */
const quota = (cpuCount: number, ratePerSec: number, withHog: boolean) =>
  planted(async (stack) => {
    const nginx = stack.use(await startNginx({ core: cores!.server }));
    if (withHog) stack.use(await startHog(cores!.server));
    const group = stack.use(createCpuGroup(cpuCount));
    for (const pid of [nginx.masterPid, ...nginx.workerPids]) group.add(pid);
    return {
      args: doctor(nginx.url, nginx.masterPid, '--rate', String(ratePerSec), '--connections', '50'),
      evidence: [/throttle|quota/i],
    };
  });

const nodeServer = (fault: NodeFault, ratePerSec: number, evidence?: (pid: number) => RegExp[]) =>
  planted(async (stack) => {
    const server = stack.use(await startNodeServer(fault));
    return {
      args: doctor(server.url, server.pid, '--rate', String(ratePerSec), '--connections', '50'),
      ...(evidence && { evidence: evidence(server.pid) }),
    };
  });

const redis = (line: string) =>
  planted(async (stack) => {
    const server = stack.use(await startRedis());
    stack.use(startRedisTraffic(server));
    stack.use(nowAndThen(250, () => server.command(line)));
    return { args: ['doctor', '--pid', String(server.pid), '--json', ...SECONDS], evidence: [/nanosleep/] };
  });

const nginxWith = (...more: string[]) =>
  planted(async (stack) => {
    const nginx = stack.use(await startNginx({ workerCount: 2 }));
    return { args: doctor(nginx.url, nginx.masterPid, ...more) };
  });

/** The load tool itself in a cgroup with a quota. */
const confinedClient = (cpuCount: number) =>
  planted(async (stack) => {
    const nginx = stack.use(await startNginx({ workerCount: 1 }));
    const group = stack.use(createCpuGroup(cpuCount));
    return {
      args: doctor(nginx.url, nginx.masterPid, '--rate', '10000', '--connections', '50'),
      prefix: ['/bin/sh', '-c', `echo $$ > ${group.procsFile} && exec "$@"`, 'sh'],
    };
  });

const traced = (which: 'the server' | 'another') =>
  planted(async (stack) => {
    const nginx = stack.use(await startNginx());
    const other = which === 'another' ? stack.use(await startNginx()) : nginx;
    const strace = stack.use(await attachStrace(other.workerPids));
    return {
      args: doctor(nginx.url, nginx.masterPid, '--rate', '2000', '--connections', '20'),
      evidence: [new RegExp(`strace|\\b${strace.pid}\\b`)],
    };
  });

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'healthy',
    title: 'nginx with two workers and nothing planted',
    expected: [],
    mustNotBe: ['loop.', 'cpu.', 'io.', 'block.', 'memory.'],
    obstacle: needsNginx,
    plant: () => nginxWith('--rate', '2000'),
  },
  {
    name: 'neighbour',
    title: 'a worker that shares its core with a busy process',
    expected: ['cpu.contended', 'cpu.preempted'],
    mustNotBe: ['cpu.throttled'],
    obstacle: needsNginxAndCores,
    plant: () => neighbour('server'),
  },
  {
    // Not one in the idle class on the same core: on kernels with lazy preemption it does keep the worker waiting,
    // up to a tick, because a wake-up from another CPU does not interrupt it.
    name: 'hog-elsewhere',
    title: 'look-alike: as busy a process, but on another core',
    expected: [],
    mustNotBe: ['cpu.contended', 'cpu.preempted', 'cpu.throttled'],
    seldom: true,
    obstacle: needsNginxAndCores,
    plant: () => neighbour('other'),
  },
  {
    name: 'quota',
    title: 'a worker with a fifth of a CPU by quota',
    expected: ['cpu.throttled'],
    mustNotBe: ['cpu.contended', 'cpu.preempted'],
    obstacle: needsGroup,
    plant: () => quota(0.2, 40_000, false),
  },
  {
    name: 'roomy-quota',
    title: 'look-alike: a quota that is never reached, beside a busy neighbour',
    expected: [],
    mustNotBe: ['cpu.throttled'],
    obstacle: needsGroup,
    plant: () => quota(0.9, 2000, true),
  },
  {
    name: 'heavy-handler',
    title: 'a Node handler that computes for 30 ms every 100th request',
    expected: ['loop.heavy-handler'],
    mustNotBe: [],
    obstacle: needsRoot,
    plant: () => nodeServer('burn', 500, (pid) => [new RegExp(`node|\\b${pid}\\b`)]),
  },
  {
    name: 'slow-replies',
    title: 'look-alike: every reply takes 30 ms, none of it on the loop',
    expected: [],
    mustNotBe: ['loop.', 'block.', 'io.'],
    obstacle: needsRoot,
    plant: () => nodeServer('slow-replies', 500),
  },
  {
    name: 'burn-in-worker',
    title: 'look-alike: the same 30 ms of CPU, in another thread',
    expected: [],
    mustNotBe: ['loop.heavy-handler', 'loop.saturated'],
    seldom: true,
    obstacle: needsRoot,
    plant: () => nodeServer('burn-in-worker', 500),
  },
  {
    name: 'fsync',
    title: 'a Node handler that writes and fsyncs 8 MB every 100th request',
    expected: ['io.fsync', 'io.disk'],
    mustNotBe: [],
    obstacle: needsRoot,
    plant: () => nodeServer('fsync', 500, () => [/fsync|write|planted\.dat/]),
  },
  {
    name: 'fsync-in-pool',
    title: 'look-alike: the same writes, through the thread pool',
    expected: [],
    mustNotBe: ['io.fsync', 'io.disk', 'block.'],
    obstacle: needsRoot,
    plant: () => nodeServer('fsync-in-pool', 500),
  },
  {
    name: 'redis-sleep',
    title: 'redis under traffic, told to sleep 50 ms now and then',
    expected: ['block.synchronous-call'],
    mustNotBe: [],
    obstacle: needsRedis,
    plant: () => redis('DEBUG SLEEP 0.05'),
  },
  {
    name: 'redis-blpop',
    title: 'look-alike: a client that waits 50 ms in BLPOP, which blocks nobody else',
    expected: [],
    mustNotBe: ['block.', 'io.', 'loop.heavy-handler'],
    obstacle: needsRedis,
    plant: () => redis('BLPOP nothing-there 0.05'),
  },
  {
    name: 'synced',
    title: 'all connections send at the same moments',
    expected: ['client.synchronised'],
    mustNotBe: [],
    obstacle: needsNginx,
    plant: () => nginxWith('--rate', '2000', '--connections', '100', '--arrival', 'synced'),
  },
  {
    name: 'poisson',
    title: 'look-alike: the same rate, arriving at random',
    expected: [],
    mustNotBe: ['client.synchronised', 'loop.', 'io.', 'block.'],
    obstacle: needsNginx,
    plant: () => nginxWith('--rate', '2000', '--connections', '100', '--arrival', 'poisson'),
  },
  {
    name: 'overload',
    title: 'ten times what the server can do',
    expected: ['loop.saturated'],
    mustNotBe: ['client.saturated'],
    obstacle: needsRoot,
    plant: () => nodeServer('costly-requests', 30_000),
  },
  {
    name: 'third-of-capacity',
    title: 'look-alike: the same server at a third of what it can do',
    expected: [],
    mustNotBe: ['loop.saturated', 'client.saturated'],
    seldom: true,
    obstacle: needsRoot,
    plant: () => nodeServer('costly-requests', 1000),
  },
  {
    name: 'confined-client',
    title: 'the load tool itself held to a fifth of a CPU',
    expected: ['client.saturated'],
    mustNotBe: [],
    exitCodes: [3],
    obstacle: needsGroup,
    plant: () => confinedClient(0.2),
  },
  {
    name: 'roomy-client',
    title: 'look-alike: a quota on the load tool that it never reaches',
    expected: [],
    mustNotBe: ['client.saturated'],
    seldom: true,
    obstacle: needsGroup,
    plant: () => confinedClient(1.9),
  },
  {
    name: 'strace',
    title: 'strace attached to the worker',
    expected: ['observer.ptrace'],
    mustNotBe: [],
    obstacle: needsStrace,
    plant: () => traced('the server'),
  },
  {
    name: 'strace-elsewhere',
    title: 'look-alike: strace attached to another server',
    expected: [],
    mustNotBe: ['observer.ptrace'],
    seldom: true,
    obstacle: needsStrace,
    plant: () => traced('another'),
  },
];
