/** How connections reach workers, on real servers: rows as in scenarios.ts, run by accept.full.alone.test.ts and by repeat.ts. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../fixtures/guard.ts';
import { nginxPath, startNginx } from '../fixtures/nginx.ts';
import { start, until } from '../fixtures/process.ts';
import { nowAndThen } from '../fixtures/redis.ts';
import { startServing } from '../fixtures/serve.ts';
import { type Planted, planted, type Scenario } from './scenarios.ts';

const needsRoot = () => (process.getuid?.() === 0 ? null : 'root');
const needsNginx = () => needsRoot() ?? (nginxPath ? null : 'nginx');

const doctor = (target: string, pid: number, ...more: string[]) => [
  ...['doctor', target, '--pid', String(pid), '--json', '--duration', '4s'],
  ...more,
];

/** One connection for each request, one after another: workers are idle when one comes. */
const TRICKLE = ['--rate', '400', '--connections', '20', '--requests-per-connection', '1'];

const trickleTo = (...args: string[]) =>
  planted(async (stack) => {
    const server = stack.use(await startServing('http', '--listen', 'http://127.0.0.1:0/', ...args));
    return { args: doctor(server.target, server.pid, ...TRICKLE) };
  });

const nodeCluster = (policy: 'none' | 'default', workerCount: number) =>
  planted(async (stack) => {
    const script = fileURLToPath(new URL('../fixtures/node-cluster.mjs', import.meta.url));
    const server = start(process.execPath, [script, policy, String(workerCount)]);
    stack.defer(() => server.stop());
    const port = await until(
      'the cluster to listen',
      () => /"port":(\d+)/.exec(server.output())?.[1],
      15_000,
    );
    return {
      args: doctor(`http://127.0.0.1:${port}/`, server.pid, ...TRICKLE),
      evidence: [/without EPOLLEXCLUSIVE/],
    };
  });

const nginxTrickle = (http: string, server: string) =>
  planted(async (stack) => {
    const nginx = stack.use(await startNginx({ workerCount: 8, http, server }));
    return { args: doctor(nginx.url, nginx.masterPid, ...TRICKLE) };
  });

/** A worker that is stopped for 1.2 s, again and again. */
const stopping = (accept: string): Promise<Planted> =>
  planted(async (stack) => {
    const workers = ['--workers', '6', '--accept', accept, '--backend', 'epoll'];
    const server = stack.use(await startServing('http', '--listen', 'http://127.0.0.1:0/', ...workers));
    const victim = server.workerPids[2]!;
    stack.defer(() => void process.kill(victim, 'SIGCONT'));
    stack.use(
      nowAndThen(100, async () => {
        await new Promise((resolve) => setTimeout(resolve, 800));
        process.kill(victim, 'SIGSTOP');
        await new Promise((resolve) => setTimeout(resolve, 1200));
        process.kill(victim, 'SIGCONT');
      }),
    );
    const load = [
      '--rate',
      '300',
      '--connections',
      '100',
      '--requests-per-connection',
      '1',
      '--timeout',
      '5s',
    ];
    return { args: doctor(server.target, server.pid, ...load), evidence: [new RegExp(`\\b${victim}\\b`)] };
  });

const storm = (evidence: RegExp, unix: boolean, ...more: string[]): Promise<Planted> =>
  planted(async (stack) => {
    const folder = stack.use(temporaryFolder());
    const listen = unix ? `unix+http:${join(folder.path, 'http.sock')}` : 'http://127.0.0.1:0/';
    const server = stack.use(await startServing('http', '--listen', listen, ...more));
    const load = ['--connections', '300', '--requests-per-connection', '1', '--arrival', 'closed'];
    return { args: doctor(server.target, server.pid, ...load), evidence: [evidence] };
  });

/** Few connections that come while nobody works yet, and handlers that then keep a worker busy. */
const few = (accept: string, ...more: string[]): Promise<Planted> =>
  planted(async (stack) => {
    const workers = ['--workers', '4', '--accept', accept, '--backend', 'epoll', '--fault', 'heavy:300us/1'];
    const server = stack.use(await startServing('http', '--listen', 'http://127.0.0.1:0/', ...workers));
    const load = ['--stage', '20/1s', '--stage', '2400/4s', '--connections-per-sec', '40', ...more];
    const args = ['doctor', server.target, '--pid', String(server.pid), '--json', ...load];
    return { args, evidence: [/connections/] };
  });

export const ACCEPT_SCENARIOS: readonly Scenario[] = [
  {
    name: 'herd',
    title: '24 workers that share one listener',
    expected: ['accept.thundering-herd'],
    mustNotBe: [],
    obstacle: needsRoot,
    plant: () => trickleTo('--workers', '24', '--accept', 'shared'),
  },
  {
    name: 'herd-node',
    title: 'a Node cluster that leaves the sharing to the kernel (SCHED_NONE)',
    expected: ['accept.thundering-herd'],
    mustNotBe: [],
    obstacle: needsRoot,
    plant: () => nodeCluster('none', 8),
  },
  {
    name: 'no-herd-node',
    title: 'look-alike: a Node cluster as it is by default, whose primary deals the connections out',
    expected: [],
    mustNotBe: ['accept.'],
    seldom: true,
    obstacle: needsRoot,
    plant: () => nodeCluster('default', 8),
  },
  ...['exclusive', 'reuseport', 'mutex'].map(
    (accept): Scenario => ({
      name: `no-herd-${accept}`,
      ...(accept === 'exclusive' ? {} : { seldom: true as const }),
      title: `look-alike: 12 workers that accept by ${accept}`,
      expected: [],
      mustNotBe: ['accept.thundering-herd', 'accept.stranded', 'accept.queue-overflow'],
      obstacle: needsRoot,
      plant: () => trickleTo('--workers', '12', '--accept', accept, '--backend', 'epoll'),
    }),
  ),
  {
    name: 'no-herd-ring',
    title: 'look-alike: 12 workers with multishot accepts on their rings',
    expected: [],
    mustNotBe: ['accept.'],
    seldom: true,
    obstacle: needsRoot,
    plant: () => trickleTo('--workers', '12', '--accept', 'multishot'),
  },
  {
    name: 'no-herd-nginx',
    title: 'look-alike: nginx with eight workers',
    expected: [],
    mustNotBe: ['accept.'],
    obstacle: needsNginx,
    plant: () => nginxTrickle('', ''),
  },
  {
    name: 'stranded',
    title: 'a worker with a listening socket of its own is stopped again and again',
    expected: ['accept.stranded'],
    mustNotBe: [],
    obstacle: needsRoot,
    plant: () => stopping('reuseport'),
  },
  {
    name: 'not-stranded',
    title: 'look-alike: the same, where any worker may take the next connection',
    expected: [],
    mustNotBe: ['accept.stranded'],
    obstacle: needsRoot,
    plant: () => stopping('exclusive'),
  },
  {
    name: 'overflow',
    title: 'a backlog of 8 under a storm of connections',
    expected: ['accept.queue-overflow'],
    mustNotBe: [],
    obstacle: needsRoot,
    plant: () => storm(/backlog/, false, '--backlog', '8'),
  },
  {
    name: 'overflow-unix',
    title: 'the same on a Unix socket',
    expected: ['accept.queue-overflow'],
    mustNotBe: [],
    obstacle: needsRoot,
    plant: () => storm(/full/, true, '--backlog', '8'),
  },
  {
    name: 'slow-loop-overflow',
    title: 'look-alike: the queue overflows because the loop sleeps in a handler',
    expected: ['block.synchronous-call'],
    mustNotBe: ['accept.'],
    obstacle: needsRoot,
    plant: () =>
      storm(/clock_nanosleep/, false, '--backlog', '64', '--backend', 'epoll', '--fault', 'sleep:100ms/50'),
  },
  {
    name: 'imbalance',
    title: 'few connections that live long, and each woke the same worker when it came',
    expected: ['accept.imbalance'],
    mustNotBe: [],
    obstacle: needsRoot,
    plant: () => few('exclusive', '--connections', '24'),
  },
  {
    name: 'balance',
    title: 'look-alike: as busy, but dealt out by hash to sockets of their own',
    expected: [],
    mustNotBe: ['accept.'],
    obstacle: needsRoot,
    plant: () => few('reuseport', '--connections', '64'),
  },
];
