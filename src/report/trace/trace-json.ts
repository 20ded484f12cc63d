import { bucketQuantileNs } from '../../record/bucket-quantiles.ts';
import type { Trace } from '../../record/trace.ts';
import { distributionRows } from './distribution-rows.ts';
import { rivalGroups } from './sched-model.ts';
import type { TraceReporter } from './trace-reporter.ts';

/** Grows when a field is added; another number when one changes its meaning. docs/reference/trace.md has the fields. */
const TRACE_JSON_VERSION = 1;

export const traceJsonReporter = {
  name: 'json',
  summary: 'one JSON object with every count',
  render: (trace) => `${JSON.stringify(objectOf(trace))}\n`,
} satisfies TraceReporter;

function objectOf(trace: Trace): object {
  const { kind, ...rest } = trace;
  const head = { version: TRACE_JSON_VERSION, trace: kind };
  if (trace.kind === 'syscalls') {
    return {
      ...head,
      ...rest,
      rows: trace.rows.map((row) => ({ ...row, ...times(row.buckets, row.maxNs) })),
    };
  }
  if (trace.kind === 'functions') {
    const rows = trace.rows.map(({ exclusiveBuckets, ...row }) => ({
      ...row,
      ...times(row.buckets, row.maxNs),
      exclusiveBuckets: distributionRows(exclusiveBuckets),
    }));
    return { ...head, ...rest, rows };
  }
  const threads = trace.threads.map(({ waitBuckets, wakeBuckets, ...thread }) => ({
    ...thread,
    wait: times(waitBuckets, thread.waitMaxNs),
    wake: times(wakeBuckets, thread.wakeMaxNs),
  }));
  return { ...head, ...rest, threads, ranInstead: rivalGroups(trace) };
}

/** Quantiles, and the histogram as rows of [low, high) with a count. */
function times(buckets: readonly number[], maxNs: number) {
  const quantile = (q: number) => bucketQuantileNs(buckets, q, maxNs);
  return {
    p50Ns: quantile(0.5),
    p90Ns: quantile(0.9),
    p99Ns: quantile(0.99),
    buckets: distributionRows(buckets),
  };
}
