/**
 * HdrHistogram's interval log, format 1.3: a line a second and tag, read by HistogramLogProcessor and by the libraries
 * of a dozen languages. https://github.com/HdrHistogram/HdrHistogram, HistogramLogWriter and HistogramLogReader.
 */
import { printable } from '../../base/printable.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import { bucketHighNs, type Histogram } from '../../record/histogram.ts';
import { encodeHistogram } from '../../record/histogram-text.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { Run } from '../../record/run.ts';
import { measuredLoad } from '../measured-load.ts';
import { withheldReason } from '../model/latency.ts';
import { agesCount, histogramWithAges, secondsOf } from '../model/seconds.ts';
import type { Reporter } from '../reporter.ts';

export const hdrLogReporter = {
  name: 'hdr',
  extension: 'hlog',
  summary: 'HdrHistogram interval log: every second, response untagged, service and lateness tagged',
  render: renderHdrLog,
} satisfies Reporter;

/** Interval_Max is in ms for readers that take values for ns, as HistogramLogProcessor does. */
const MAX_UNIT_NS = 1e6;

function renderHdrLog(run: Run, diagnosis: Diagnosis): string {
  const load = measuredLoad(run, 'hdr');
  const lines = [...headLines(run, load, diagnosis)];
  for (const second of secondsOf(load)) {
    const start = (second.startNs - load.startNs) / 1e9;
    const line = (tag: string, histogram: Histogram) => {
      if (histogram.totalCount === 0 && tag !== '') return;
      const fields = [start, second.durationNs / 1e9, maxNs(histogram) / MAX_UNIT_NS];
      const prefix = tag === '' ? '' : `Tag=${tag},`;
      lines.push(
        `${prefix}${fields.map((value) => value.toFixed(3)).join(',')},${encodeHistogram(histogram)}`,
      );
    };
    const of = (kind: 'response' | 'service' | 'lateness') => histogramWithAges(second.latencies, kind);
    // Readers that know no tags add up what has none: the response times of the measured part, and only those.
    if (second.warmup) line('warm-up', of('response'));
    else {
      line('', of('response'));
      line('service', of('service'));
      line('lateness', of('lateness'));
    }
  }
  return `${lines.join('\n')}\n`;
}

function* headLines(run: Run, load: LoadRecord, diagnosis: Diagnosis): Generator<string> {
  const startMs = run.header.startedWallMs + load.startNs / 1e6;
  const startSec = (startMs / 1000).toFixed(3);
  yield `#[Logged with Loopscope ${printable(run.header.loopscopeVersion, 40)}; values in ns, maxima in ms]`;
  yield '#[Histogram log format version 1.3]';
  yield `#[StartTime: ${startSec} (seconds since epoch), ${new Date(startMs).toISOString()}]`;
  yield `#[BaseTime: ${startSec} (seconds since epoch)]`;
  const reason = withheldReason(diagnosis, 'response');
  if (reason) yield `#[${reason}: these times are not to be relied on]`;
  const ages = agesCount(load, 'response');
  if (ages > 0) yield `#[${ages} requests never got an answer: they are in at their age, a lower bound]`;
  yield '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"';
}

function maxNs({ counts, totalCount }: Histogram): number {
  if (totalCount === 0) return 0;
  let last = counts.length - 1;
  while (last > 0 && counts[last] === 0) last--;
  return bucketHighNs(last);
}
