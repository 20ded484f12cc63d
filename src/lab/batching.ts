import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../base/errors.ts';
import { leastSquares } from '../diagnose/facts/cpu-fit.ts';
import { readEnvironment } from '../environment.ts';
import { getAffinity, setAffinity } from '../kernel/process.ts';
import { climb, limitOf } from './batching/ladder.ts';
import { findNginxStream, startNginxProxy } from './batching/nginx-proxy.ts';
import { batchingPage } from './batching/page.ts';
import { type BatchingPlan, batchingPlan, shapesAt } from './batching/plan.ts';
import type { BatchingResult, ShapeResult } from './batching/result.ts';
import { askDoctor, runShape } from './batching/run-shape.ts';
import { batchingConclusions, batchingTable } from './batching/table.ts';
import { type CountedServer, startCountedServer } from './counted-server.ts';
import type { Experiment, LabContext } from './experiment.ts';
import { deliver } from './output.ts';

/** An agent on a Unix socket whose CPU doubled: the same requests, arriving together or one by one. */
export const batching = {
  name: 'batching',
  summary:
    'the same requests in lock-step and one by one: what a wake-up costs, and what a load tool can hide',
  takes: ['quick', 'json'],
  run: runBatching,
} satisfies Experiment;

/** Shapes that the doctor is asked about. */
const DOCTORED = ['lock-step', 'equal pauses', 'jittered'];

const REPLY_TIMEOUT_NS = 50e6;

async function runBatching(context: LabContext): Promise<number> {
  const plan = batchingPlan(context.quick);
  const { cpuModel, cpuCount, kernelRelease } = readEnvironment();
  const result: BatchingResult = {
    experiment: 'batching',
    connectionCount: plan.connectionCount,
    ratePerSec: plan.ratePerSec,
    machine: { cpuModel, cpuCount, kernel: kernelRelease },
    shapes: [],
    notRun: [],
    fit: null,
    hidden: { measured: null, byFit: null },
    ladder: [],
    limitPerSec: null,
  };
  using apart = keepApart();
  await shapes(plan, result, apart.agentCpu, context);
  if (!context.signal.aborted) await ladder(plan, result, apart.agentCpu, context);
  const shown = batchingConclusions(result);
  deliver(context, {
    name: 'batching',
    result,
    text: (paper) => batchingTable(paper, result, shown),
    page: () => batchingPage(result, shown),
  });
  if (context.signal.aborted) return 130;
  return shown.every(({ holds }) => holds !== false) ? EXIT.ok : EXIT.failed;
}

/** The agent gets the last CPU, we keep to the others; threads started from now on inherit that. */
function keepApart(): { agentCpu: number; [Symbol.dispose](): void } {
  const cpus = getAffinity(0);
  const agentCpu = cpus.at(-1)!;
  if (cpus.length > 1) setAffinity(0, cpus.slice(0, -1));
  return { agentCpu, [Symbol.dispose]: () => setAffinity(0, cpus) };
}

async function withAgent<T>(
  backend: 'epoll' | 'ring',
  cpu: number,
  context: LabContext,
  use: (server: CountedServer, path: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-batching-'));
  try {
    const path = join(folder, 'agent.sock');
    const listen = ['--listen', `unix:${path}`, '--backend', backend, '--cpus', String(cpu)];
    await using server = await startCountedServer(context.program, ['agent', ...listen]);
    return await use(server, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function shapes(plan: BatchingPlan, result: BatchingResult, cpu: number, context: LabContext): Promise<void> {
  return withAgent('epoll', cpu, context, async (server, path) => {
    const { signal } = context;
    const options = { server, target: server.target, connectionCount: plan.connectionCount, signal };
    context.status('warming the agent up');
    await runShape(plan.shapes.find(({ name }) => name === 'poisson')!, { ...options, durationNs: 1.5e9 });
    const windows: ShapeResult['windows'] = [];
    for (const shape of plan.shapes) {
      if (signal.aborted) return;
      context.status(
        `${shape.name}: ${plan.ratePerSec} requests a second over ${plan.connectionCount} connections`,
      );
      if (!shape.throughNginx) {
        const seen = await runShape(shape, { ...options, durationNs: plan.shapeNs });
        windows.push(...seen.windows);
        result.shapes.push(seen);
        continue;
      }
      const nginx = findNginxStream();
      if ('why' in nginx) {
        result.notRun.push({ name: shape.name, why: nginx.why });
        continue;
      }
      await using proxy = await startNginxProxy(nginx, path);
      result.shapes.push(
        await runShape(shape, { ...options, target: proxy.target, durationNs: plan.shapeNs }),
      );
    }
    for (const ratePerSec of plan.fitRatesPerSec) {
      context.status(`fit: lock-step and Poisson at ${ratePerSec} a second`);
      for (const shape of shapesAt(ratePerSec).filter(
        ({ name }) => name === 'lock-step' || name === 'poisson',
      )) {
        if (signal.aborted) return;
        windows.push(...(await runShape(shape, { ...options, durationNs: plan.fitNs })).windows);
      }
    }
    result.fit = leastSquares(windows);
    result.hidden = hiddenBy(result);
    for (const shape of plan.shapes.filter(({ name }) => DOCTORED.includes(name))) {
      if (signal.aborted) return;
      context.status(`the doctor on ${shape.name}`);
      const found = result.shapes.find(({ name }) => name === shape.name)!;
      found.verdict = await askDoctor(shape, { ...options, durationNs: Math.min(plan.shapeNs, 4e9) });
    }
  });
}

/** What lock step saves, as a share of what the same requests cost when they come jittered. */
function hiddenBy({ shapes: found, fit }: BatchingResult): BatchingResult['hidden'] {
  const lockStep = found.find(({ name }) => name === 'lock-step');
  const jittered = found.find(({ name }) => name === 'jittered');
  if (!lockStep || !jittered) return { measured: null, byFit: null };
  const measured = 1 - lockStep.cpuNsPerRequest / jittered.cpuNsPerRequest;
  if (!fit) return { measured, byFit: null };
  const costNs = ({ eventsPerWakeUp }: ShapeResult) => fit.eventNs + fit.wakeUpNs / eventsPerWakeUp;
  return { measured, byFit: 1 - costNs(lockStep) / costNs(jittered) };
}

function ladder(plan: BatchingPlan, result: BatchingResult, cpu: number, context: LabContext): Promise<void> {
  return withAgent('ring', cpu, context, async (server) => {
    context.status('rates: warming the agent up');
    result.ladder = await climb(server, {
      ratesPerSec: plan.ladderRatesPerSec,
      stepNs: plan.ladderNs,
      connectionCount: 400,
      timeoutNs: REPLY_TIMEOUT_NS,
      signal: context.signal,
      onStep: ({ ratePerSec, held }) =>
        context.status(`rates: ${ratePerSec} a second ${held ? 'held' : 'not held'}`),
    });
    result.limitPerSec = limitOf(result.ladder);
  });
}
