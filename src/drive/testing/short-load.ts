/** Short loads of a real server, and what holds of every record. */
import assert from 'node:assert/strict';
import { parseTarget } from '../../base/address.ts';
import { createClock } from '../../base/clock.ts';
import { decodeHistogram } from '../../record/histogram-text.ts';
import type { LoadRecord } from '../../record/load.ts';
import { type LoadHandle, type LoadOptions, startLoad } from '../drive.ts';
import { isConserved } from '../load-collector.ts';

export type Changes = Partial<Omit<LoadOptions, 'target' | 'clock'>>;

export function begin(target: string, changes: Changes = {}): LoadHandle {
  return startLoad({
    target: parseTarget(target),
    arrival: 'constant',
    ratePerSec: 500,
    connectionCount: 10,
    threadCount: 1,
    durationNs: 600e6,
    warmupNs: 100e6,
    timeoutNs: 2e9,
    seed: 1,
    backend: 'epoll',
    clock: createClock(),
    ...changes,
  });
}

/** So many requests a load plans, unless `changes` say otherwise. */
export const PLANNED = 300;

/** Every request of a record is counted once, in a block and in all, and its times are in order. */
export function assertSound(record: LoadRecord): void {
  const { counts, blocks, total, measuredFromNs } = record;
  assert.ok(isConserved(counts), JSON.stringify(counts));
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) {
    assert.equal(
      blocks.reduce((sum, block) => sum + block.counts[key], 0),
      counts[key],
      `${key} of all blocks`,
    );
  }
  const size = (text: string) => decodeHistogram(text).totalCount;
  const measured = blocks.filter((block) => block.startNs >= measuredFromNs);
  for (const kind of ['response', 'service', 'lateness', 'censored', 'unsent'] as const) {
    const blockSum = measured.reduce((sum, block) => sum + size(block.latency[kind]), 0);
    assert.equal(size(total[kind]), blockSum, `${kind} of all measured blocks`);
  }
  const all = (kind: 'response' | 'lateness' | 'censored' | 'unsent') =>
    blocks.reduce((sum, block) => sum + size(block.latency[kind]), 0);
  assert.equal(all('response'), counts.ok + counts.wrong);
  assert.equal(all('censored'), counts.timeout + counts.unfinished);
  assert.equal(all('unsent'), counts.unsent);
  assert.equal(all('lateness'), counts.planned - counts.unsent);
  const errorSum = Object.values(record.errorsByKind).reduce((sum, count) => sum + count, 0);
  assert.equal(errorSum, counts.error);
  for (const { plannedNs, sentNs, firstByteNs, doneNs } of record.slowest) {
    const times = [plannedNs, sentNs, firstByteNs, doneNs].filter((atNs) => atNs !== null);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
      'planned ≤ sent ≤ first byte ≤ done',
    );
  }
}

/** A whole load, and its record, which is sound. */
export async function drive(target: string, changes: Changes = {}): Promise<LoadRecord> {
  const record = await begin(target, changes).done;
  assertSound(record);
  return record;
}
