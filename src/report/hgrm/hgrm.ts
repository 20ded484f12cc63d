/**
 * The percentile distribution as text, as wrk2 and HdrHistogram print it and its plotter reads it.
 * https://github.com/HdrHistogram/HdrHistogram, AbstractHistogram.outputPercentileDistribution and PercentileIterator.
 */
import type { Diagnosis } from '../../diagnose/finding.ts';
import { bucketHighNs, bucketLowNs, type Histogram } from '../../record/histogram.ts';
import type { Run } from '../../record/run.ts';
import { measuredLoad } from '../measured-load.ts';
import { withheldReason } from '../model/latency.ts';
import { agesCount, histogramWithAges } from '../model/seconds.ts';
import type { Reporter } from '../reporter.ts';

export const hgrmReporter = {
  name: 'hgrm',
  extension: 'hgrm',
  summary: 'percentiles of the response time in ms, as wrk2 prints and HdrHistogram plots them',
  render: renderHgrm,
} satisfies Reporter;

const MS = 1e6;
const TICKS_PER_HALF_DISTANCE = 5;
/** As HdrHistogram counts them for 1 ns to 1 h at three digits. */
const BUCKETS = 32;
const SUB_BUCKETS = 2048;

function renderHgrm(run: Run, diagnosis: Diagnosis): string {
  const load = measuredLoad(run, 'hgrm');
  const reason = withheldReason(diagnosis, 'response');
  if (reason) return `#[response times are withheld: ${reason}]\n`;
  const ages = agesCount(load, 'response');
  const note =
    ages === 0 ? '' : `#[${ages} requests never got an answer: they are in at their age, a lower bound]\n`;
  return percentileText(histogramWithAges([load.total], 'response'), MS) + note;
}

/** The whole table with its footer; values are divided by `unitNs`. */
export function percentileText(histogram: Histogram, unitNs: number): string {
  const lines = [
    `${'Value'.padStart(12)} ${'Percentile'.padStart(14)} ${'TotalCount'.padStart(10)} ${'1/(1-Percentile)'.padStart(14)}`,
    '',
  ];
  for (const { valueNs, percentile, count } of percentileSteps(histogram)) {
    const share = percentile / 100;
    const tail = percentile === 100 ? '' : ` ${(1 / (1 - share)).toFixed(2).padStart(14)}`;
    const value = (valueNs / unitNs).toFixed(3).padStart(12);
    lines.push(`${value} ${shareText(share).padStart(14)} ${String(count).padStart(10)}${tail}`);
  }
  const { meanNs, deviationNs, maxNs } = moments(histogram);
  const figure = (ns: number) => (ns / unitNs).toFixed(3).padStart(12);
  const whole = (value: number) => String(value).padStart(12);
  lines.push(
    `#[Mean    = ${figure(meanNs)}, StdDeviation   = ${figure(deviationNs)}]`,
    `#[Max     = ${figure(maxNs)}, Total count    = ${whole(histogram.totalCount)}]`,
    `#[Buckets = ${whole(BUCKETS)}, SubBuckets     = ${whole(SUB_BUCKETS)}]`,
  );
  return `${lines.join('\n')}\n`;
}

/** Rounded half up in decimal, as Java does it; toFixed() would round the binary value. */
function shareText(share: number): string {
  return (Math.round(Number(`${share}e12`)) / 1e12).toFixed(12);
}

/** Five steps to each halving of what lies beyond; the last one is 100 %. */
function* percentileSteps({
  counts,
  totalCount,
}: Histogram): Generator<{ valueNs: number; percentile: number; count: number }> {
  if (totalCount === 0) return;
  let seen = 0;
  let level = 0;
  for (let bucket = 0; seen < totalCount; bucket++) {
    const here = counts[bucket]!;
    if (here === 0) continue;
    seen += here;
    while (level <= (100 * seen) / totalCount) {
      yield { valueNs: bucketHighNs(bucket), percentile: level, count: seen };
      if (seen === totalCount) break;
      const halvings = Math.floor(Math.log2(100 / (100 - level))) + 1;
      level += 100 / (TICKS_PER_HALF_DISTANCE * 2 ** halvings);
    }
    if (seen === totalCount) yield { valueNs: bucketHighNs(bucket), percentile: 100, count: seen };
  }
}

/** Each bucket counts at its middle, as HdrHistogram takes it. */
function moments({ counts, totalCount }: Histogram): { meanNs: number; deviationNs: number; maxNs: number } {
  if (totalCount === 0) return { meanNs: 0, deviationNs: 0, maxNs: 0 };
  let sum = 0;
  let last = 0;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0) continue;
    sum += counts[i]! * middleNs(i);
    last = i;
  }
  const meanNs = sum / totalCount;
  let squares = 0;
  for (let i = 0; i <= last; i++) {
    if (counts[i] !== 0) squares += counts[i]! * (middleNs(i) - meanNs) ** 2;
  }
  return { meanNs, deviationNs: Math.sqrt(squares / totalCount), maxNs: bucketHighNs(last) };
}

function middleNs(bucket: number): number {
  const low = bucketLowNs(bucket);
  return low + Math.floor((bucketLowNs(bucket + 1) - low) / 2);
}
