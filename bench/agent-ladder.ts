/**
 * The framed agent on one core, over a Unix socket: the highest rate at which every reply comes within 50 ms, and what a
 * request costs by rate. The agent has CPU 0 (io_uring), the client the others; Poisson arrivals.
 *
 *   npm run bench -- agent-ladder [--seconds 3] [--connections 400] [--rounds 2] [--backend ring] [--rates 10k,20k,…]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatNs, formatShare, parseRatePerSec } from '../src/base/units.ts';
import { getAffinity, setAffinity } from '../src/kernel/process.ts';
import { climb, type LadderStep, limitOf } from '../src/lab/batching/ladder.ts';
import { ORIGINAL } from '../src/lab/batching/plan.ts';
import { startCountedServer } from '../src/lab/counted-server.ts';
import { writeResults } from './lib/results.ts';

const RATES = '10k,20k,30k,50k,100k,140k,170k,200k,220k,240k,260k,280k,300k';
const TIMEOUT_NS = 50e6;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '2' },
    backend: { type: 'string', default: 'ring' },
    rates: { type: 'string', default: RATES },
  },
});
const ratesPerSec = values.rates.split(',').map((text) => parseRatePerSec(text, '--rates'));

const cpus = getAffinity(0);
const agentCpu = cpus[0]!;
if (cpus.length > 1) setAffinity(0, cpus.slice(1));

async function oneRound(): Promise<LadderStep[]> {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
  try {
    const program = [join(import.meta.dirname, '..', 'bin', 'loopscope')];
    const listen = ['--listen', `unix:${join(folder, 'agent.sock')}`, '--backend', values.backend];
    await using server = await startCountedServer(program, ['agent', ...listen, '--cpus', String(agentCpu)]);
    return await climb(server, {
      ratesPerSec,
      stepNs: Number(values.seconds) * 1e9,
      connectionCount: Number(values.connections),
      timeoutNs: TIMEOUT_NS,
      signal: new AbortController().signal,
      onStep: (step) => process.stdout.write(`${describe(step)}\n`),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(step: LadderStep): string {
  const then = ORIGINAL.ladder.find(([rate]) => rate === step.ratePerSec);
  return [
    `${String(step.ratePerSec).padStart(7)}/s`,
    step.held ? 'held    ' : `${step.planned - step.ok} late or lost`,
    `agent ${formatShare(step.cpuShare)}`,
    `${formatNs(step.cpuNsPerRequest)} a request`,
    `${step.requestsPerWakeUp.toFixed(1)} a wake-up`,
    `client ${formatShare(step.clientShare)}`,
    then ? `(the incident: ${formatShare(then[1])})` : '',
  ].join('  ');
}

const rounds: LadderStep[][] = [];
for (let round = 0; round < Number(values.rounds); round++) rounds.push(await oneRound());
const limits = rounds.map(limitOf);
const best = Math.max(...limits.map((limit) => limit ?? 0));
process.stdout.write(`highest rate held: ${limits.join(', ')} requests/s by round (the incident: 140000)\n`);
const path = writeResults('agent-ladder', {
  options: values,
  timeoutNs: TIMEOUT_NS,
  limitsPerSec: limits,
  bestPerSec: best,
  rounds,
  incident: ORIGINAL.ladder,
});
process.stdout.write(`wrote ${path}\n`);
