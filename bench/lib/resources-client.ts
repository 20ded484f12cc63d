/** A load that reports what its process held: argv is target, connections, seconds, rate, back end. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseTarget } from '../../src/base/address.ts';
import { createClock } from '../../src/base/clock.ts';
import { type LoadOptions, startLoad } from '../../src/drive/drive.ts';

export type ResourceSample = {
  peakRssBytes: number;
  openedCount: number;
  sentCount: number;
  answeredCount: number;
  heldPerSec: number;
  gcPauseMs: number;
  descriptorsBefore: number;
  descriptorsAfter: number;
};

const [target, connections, seconds, rate, backend] = process.argv.slice(2);
const options: LoadOptions = {
  target: parseTarget(target!),
  arrival: 'poisson',
  ratePerSec: Number(rate),
  connectionCount: Number(connections),
  threadCount: 1,
  durationNs: Number(seconds) * 1e9,
  timeoutNs: 5e9,
  seed: 1,
  backend: backend as 'ring' | 'epoll',
  clock: createClock(),
};
const descriptors = () => readdirSync('/proc/self/fd').length;

// The first thread makes Node open what it keeps for good.
await startLoad({ ...options, connectionCount: 1, ratePerSec: 100, durationNs: 50e6 }).done;
const descriptorsBefore = descriptors();
const record = await startLoad(options).done;
const sample: ResourceSample = {
  // proc_pid_status(5): the highest resident set size, kB.
  peakRssBytes: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024,
  openedCount: record.connections.opened,
  sentCount: record.counts.planned - record.counts.unsent,
  answeredCount: record.counts.ok,
  heldPerSec: (record.counts.ok * 1e9) / (record.endNs - record.startNs),
  gcPauseMs: record.client.gcPauseNs / 1e6,
  descriptorsBefore,
  descriptorsAfter: descriptors(),
};
process.stdout.write(`\n${JSON.stringify(sample)}\n`);
