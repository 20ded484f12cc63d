/**
 * A load from the library, for benchmarks: argv is target, connections, seconds, rate (0: closed loop), back end, and,
 * if not poisson and a tenth of the time, the arrival process and the seconds of warm-up; "spin" never sleeps; the seed.
 */
import { parseTarget } from '../../src/base/address.ts';
import { createClock } from '../../src/base/clock.ts';
import { startLoad } from '../../src/drive/drive.ts';
import { parseArrival } from '../../src/plan/arrivals/arrival-spec.ts';
import { quantileNs } from '../../src/record/histogram.ts';
import { decodeHistogram } from '../../src/record/histogram-text.ts';

const [target, connections, seconds, rate, backend, arrival, warmupSec, wait, seed] = process.argv.slice(2);
const ratePerSec = Number(rate) || null;
const clock = createClock();
const record = await startLoad({
  target: parseTarget(target!),
  arrival: ratePerSec === null ? 'closed' : parseArrival(arrival ?? 'poisson').arrival,
  ratePerSec,
  connectionCount: Number(connections),
  threadCount: 1,
  durationNs: Number(seconds) * 1e9,
  ...(warmupSec !== undefined && { warmupNs: Number(warmupSec) * 1e9 }),
  timeoutNs: 2e9,
  seed: Number(seed ?? 1),
  backend: backend as 'auto' | 'ring' | 'epoll',
  spin: wait === 'spin',
  clock,
}).done;
const us = (text: string, q: number) => (quantileNs(decodeHistogram(text), null, q)?.valueNs ?? 0) / 1e3;
const sum = (field: 'userNs' | 'systemNs' | 'spinNs') =>
  record.client.threads.reduce((total, thread) => total + thread[field], 0);
process.stdout.write(
  JSON.stringify({
    okCount: record.counts.ok,
    failedCount: record.counts.planned - record.counts.ok,
    backend: record.plan.backend,
    requestsPerSec: (record.counts.ok * 1e9) / (record.endNs - record.startNs),
    threadUserSec: sum('userNs') / 1e9,
    threadSystemSec: sum('systemNs') / 1e9,
    serviceUsP50: us(record.total.service, 0.5),
    serviceUsP99: us(record.total.service, 0.99),
    latenessUsP50: us(record.total.lateness, 0.5),
    latenessUsP90: us(record.total.lateness, 0.9),
    latenessUsP99: us(record.total.lateness, 0.99),
    // CLOCK_MONOTONIC, to look up what others saw of the measured part.
    fromMonoNs: Number(clock.startMonoNs) + record.measuredFromNs,
    toMonoNs: Number(clock.startMonoNs) + record.endNs,
    gcPauseMs: record.client.gcPauseNs / 1e6,
  }),
);
