/**
 * How late requests leave in the open loop: Poisson arrivals at several rates against nginx on CPU 0, the client free to
 * use the rest. Lateness is planned to sent, per back end, by turns.
 *
 *   npm run bench -- open-lateness [--rounds 3] [--seconds 3] [--rates 2000,10000,50000]
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, median, type Sample } from './lib/rounds.ts';

const PORT = 18_181;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    rates: { type: 'string', default: '2000,10000,50000' },
  },
});

const target = `http://127.0.0.1:${PORT}/`;
const client = join(import.meta.dirname, 'lib', 'load-client.ts');
const run = promisify(execFile);

async function measure(backend: string, ratePerSec: string): Promise<Sample> {
  const flags = [
    '--disable-warning=ExperimentalWarning',
    client,
    target,
    '100',
    values.seconds,
    ratePerSec,
    backend,
  ];
  const { stdout } = await run(process.execPath, flags);
  const { backend: _, ...sample } = JSON.parse(stdout) as Sample & { backend: string };
  return sample;
}

await using nginx = await startNginx(0, PORT);
const rates = values.rates.split(',');
const variants = rates.flatMap((rate) =>
  ['ring', 'epoll'].map((backend) => ({ name: `${backend} ${rate}/s`, run: () => measure(backend, rate) })),
);
const samples = await alternate(variants, Number(values.rounds));
for (const { name } of variants) {
  const of = (metric: string) =>
    median(samples[name]!.map((sample) => sample[metric]!))
      .toFixed(1)
      .padStart(9);
  const times = `p50 ${of('latenessUsP50')} µs  p90 ${of('latenessUsP90')} µs  p99 ${of('latenessUsP99')} µs`;
  process.stdout.write(`${name.padEnd(16)} lateness ${times}  failed ${of('failedCount').trim()}\n`);
}
process.stdout.write(
  `wrote ${writeResults('open-lateness', { options: values, serverPid: nginx.pid, samples })}\n`,
);
