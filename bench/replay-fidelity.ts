/**
 * How true a replay is to its log in time: Poisson load on one nginx, its log replayed on another at several speeds; what
 * the tool says of itself (gaps, dispersion, lag), and the same from the two logs by the definitions. Aims: gaps within
 * 0.05 (Kolmogorov-Smirnov), dispersion 0.9 to 1.1 times the log's, the last requests within a millisecond.
 *
 *   npm run bench -- replay-fidelity [--rounds 3] [--rate 2000] [--seconds 5] [--spin]
 */
import { parseArgs } from 'node:util';
import { makeLog, replayOn } from '../test/e2e/replay-rig.ts';
import { temporaryFolder } from '../test/fixtures/guard.ts';
import { dispersion, distance, finalLagMs, gapsMs } from '../test/helpers/compare-logs.ts';
import { writeResults } from './lib/results.ts';
import { alternate, median, type Sample } from './lib/rounds.ts';

const SPEEDS = [1, 2, 0.5];
/** nginx logs milliseconds: at other speeds than the log's own its grain is compared away over gaps of many requests. */
const FAR_STEP = 16;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '5' },
    spin: { type: 'boolean', default: false },
  },
});

async function replayAt(folder: string, log: string, speed: number): Promise<Sample> {
  const args = ['--speed', String(speed), ...(values.spin ? ['--spin'] : [])];
  const { logged, replayed, load } = await replayOn(folder, log, args);
  const { fidelity, starved } = load.replay!;
  const step = speed === 1 ? 1 : FAR_STEP;
  const ofLogs = (windowMs: number) =>
    dispersion(replayed, windowMs, speed) / dispersion(logged, windowMs, 1);
  const ofTool = (windowMs: number) =>
    fidelity!.dispersion.find(({ window_ms }) => window_ms === windowMs)?.ratio ?? Number.NaN;
  return {
    requests: replayed.length,
    gaps: fidelity!.gaps?.ks_distance ?? Number.NaN,
    gapsOfLogs: distance(gapsMs(logged, step, 1), gapsMs(replayed, step, speed), speed === 1 ? 0 : 2),
    dispersion10ms: ofTool(10),
    dispersion100ms: ofTool(100),
    dispersion10msOfLogs: ofLogs(10),
    dispersion100msOfLogs: ofLogs(100),
    finalLagMs: (fidelity!.lag?.final_ns ?? Number.NaN) / 1e6,
    finalLagMsOfLogs: finalLagMs(logged, replayed, speed),
    starved: starved.requests,
  };
}

using folder = temporaryFolder();
const log = await makeLog(folder.path, Number(values.rate), Number(values.seconds));
const variants = SPEEDS.map((speed) => ({
  name: `speed ${speed}`,
  run: () => replayAt(folder.path, log, speed),
}));
const samples = await alternate(variants, Number(values.rounds), (_, name, sample) => {
  const figures = Object.entries(sample).map(
    ([metric, value]) => `${metric} ${Number(value.toPrecision(3))}`,
  );
  process.stdout.write(`${name.padEnd(10)} ${figures.join(', ')}\n`);
});
const medians = Object.fromEntries(
  Object.entries(samples).map(([name, list]) => [
    name,
    Object.fromEntries(
      Object.keys(list[0]!).map((metric) => [metric, median(list.map((sample) => sample[metric]!))]),
    ),
  ]),
);
process.stdout.write(`medians ${JSON.stringify(medians, null, 2)}\n`);
process.stdout.write(`wrote ${writeResults('replay-fidelity', { options: values, medians, samples })}\n`);
