/**
 * The open loop at several rates, constant and Poisson, against nginx on CPU 0: how late requests leave (planned to
 * sent, by the client's clock), and how evenly they reach the server: index of dispersion of arrivals at nginx's
 * sockets in bins of 10 ms, counted in the kernel by a BPF program on sk_data_ready. Warm-up is left out of both: the
 * client's code is compiled in it, by threads that take CPU from the one that sends. The client may use all CPUs.
 * Clients that sleep between sends, and clients that do not (--spin).
 *
 *   npm run bench -- open-lateness [--rounds 10] [--seconds 2] [--warmup 3] [--rates 2000,10000,50000]
 *                                  [--arrivals constant,poisson] [--backends ring] [--waits sleep,spin]
 *                                  [--client-cpus 0-1]
 */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ArrivalCounter, countArrivals, indexOfDispersion } from './lib/arrivals.ts';
import { runPinned, startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, median, type Sample } from './lib/rounds.ts';

const SERVER_CPU = 0;
const PORT = 18_183;
const BIN_NS = 10e6;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '2' },
    warmup: { type: 'string', default: '3' },
    rates: { type: 'string', default: '2000,10000,50000' },
    arrivals: { type: 'string', default: 'constant,poisson' },
    backends: { type: 'string', default: 'ring' },
    waits: { type: 'string', default: 'sleep,spin' },
    'client-cpus': { type: 'string', default: `0-${availableParallelism() - 1}` },
  },
});

const target = `http://127.0.0.1:${PORT}/`;
const client = join(import.meta.dirname, 'lib', 'load-client.ts');

type Task = { backend: string; wait: string; arrival: string; ratePerSec: string };

/** Each run has a schedule of its own: a Poisson one is itself more or less even by chance. */
let runCount = 0;

async function measure(
  { backend, wait, arrival, ratePerSec }: Task,
  counter: ArrivalCounter,
): Promise<Sample> {
  counter.restart();
  runCount++;
  const seconds = String(Number(values.seconds) + Number(values.warmup));
  const program = [process.execPath, '--disable-warning=ExperimentalWarning', client];
  // Room for a server that stands still for 10 ms: without a free connection nothing is sent, however punctual we are.
  const connections = String(Math.max(100, Number(ratePerSec) / 100));
  const task = [
    target,
    connections,
    seconds,
    ratePerSec,
    backend,
    arrival,
    values.warmup,
    wait,
    String(runCount),
  ];
  const { output } = await runPinned(values['client-cpus'], [...program, ...task]);
  const { backend: _, ...sample } = JSON.parse(output) as Sample & { backend: string };
  const counts = counter.counts(sample.fromMonoNs!, sample.toMonoNs!, BIN_NS);
  return {
    ...sample,
    serverDispersion10ms: indexOfDispersion(counts),
    serverArrivalsPerSec: (counts.reduce((sum, count) => sum + count, 0) * 1e9) / (counts.length * BIN_NS),
  };
}

await using nginx = await startNginx(SERVER_CPU, PORT);
using counter = countArrivals(PORT);
const tasks: Task[] = [];
for (const backend of values.backends.split(',')) {
  for (const wait of values.waits.split(',')) {
    for (const ratePerSec of values.rates.split(',')) {
      for (const arrival of values.arrivals.split(',')) tasks.push({ backend, wait, arrival, ratePerSec });
    }
  }
}
const variants = tasks.map((task) => ({
  name: `${task.backend} ${task.wait} ${task.arrival} ${task.ratePerSec}/s`,
  run: () => measure(task, counter),
}));
const print = (line: string) => process.stdout.write(`${line}\n`);
const line = (name: string, of: (metric: string) => number) => {
  const times = [50, 90, 99].map((p) => `p${p} ${of(`latenessUsP${p}`).toFixed(1).padStart(6)}`);
  const shape = `dispersion at the server ${of('serverDispersion10ms').toFixed(3)}`;
  return `${name.padEnd(29)} lateness, µs: ${times.join('  ')}   ${shape}   failed ${of('failedCount')}`;
};
const samples = await alternate(variants, Number(values.rounds), (round, name, sample) => {
  print(`${String(round + 1).padStart(3)} ${line(name, (metric) => sample[metric]!)}`);
});
print(`medians of ${values.rounds} runs`);
const medians = variants.map(({ name }) => {
  const of = (metric: string) => median(samples[name]!.map((sample) => sample[metric]!));
  print(line(name, of));
  const metrics = ['latenessUsP50', 'latenessUsP90', 'latenessUsP99', 'serverDispersion10ms', 'failedCount'];
  return { name, ...Object.fromEntries(metrics.map((metric) => [metric, of(metric)])) };
});
print(`wrote ${writeResults('open-lateness', { options: values, serverPid: nginx.pid, medians, samples })}`);
