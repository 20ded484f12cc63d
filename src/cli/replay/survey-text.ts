/** What --dry-run prints: what is in a log, for people. */
import { formatBytes, formatNs, formatShare } from '../../base/units.ts';
import type { RefusedLines, ReplaySummary, TimeSummary } from '../../plan/replay/replay-summary.ts';
import { Paper } from '../../report/text/paper.ts';
import { formatRate, formatWhole, plural } from '../../report/text/phrases.ts';
import { sparkline } from '../../report/text/sparkline.ts';
import { writeTable } from '../../report/text/table.ts';

/** Rows of a table; the rest is summed up. */
const ROWS_MAX = 10;
/** Sources in a sentence. */
const SOURCES_TOLD = 8;
/** In a pipe the rate is told as numbers, so many. */
const PLAIN_STEPS = 12;

export function surveyText(
  summary: ReplaySummary,
  look: { colour: boolean; columns: number | null; readNs: number },
): string {
  const paper = new Paper(look);
  const { lineCount, requestCount, refused, leftOut, format } = summary;
  paper.heading(sourceNames(summary), format.why);
  const refusedCount = sum(refused);
  const leftOutCount = sum(leftOut);
  paper.sentence(
    `${plural(lineCount, 'line')}: ${plural(requestCount, 'request')} to replay, ` +
      `${formatWhole(leftOutCount)} left out, ${formatWhole(refusedCount)} refused`,
    { first: '  ' },
  );
  if (summary.time) writeTime(paper, summary.time, summary);
  for (const remark of summary.remarks) paper.bullet(remark, ['yellow']);
  if (requestCount > 0) writeRequests(paper, summary);
  writeLeftOut(paper, summary);
  writeRefused(paper, summary);
  paper.line();
  paper.sentence(`Read in ${formatNs(look.readNs)}. Nothing was sent.`, { ink: ['dim'] });
  return paper.toString();
}

function sum(parts: readonly { count: number }[]): number {
  return parts.reduce((total, { count }) => total + count, 0);
}

function sourceName(path: string): string {
  return path === '-' ? 'standard input' : path;
}

function sourceNames({ sources }: ReplaySummary): string {
  const told = sources.slice(0, SOURCES_TOLD).map(({ path }) => sourceName(path));
  const more = sources.length - told.length;
  return told.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function writeTime(paper: Paper, time: TimeSummary, { spreadCount }: ReplaySummary): void {
  const { firstSec, lastSec, spanNs, meanPerSec, peakPerSec, peakSec, grainNs } = time;
  const grain =
    spreadCount > 0 ? 'whole seconds, within which starts are spread' : `as fine as ${formatNs(grainNs)}`;
  paper.sentence(
    `${isoSecond(firstSec)} to ${isoSecond(lastSec)}, ${spanText(spanNs)}; stamps are ${grain}`,
    {
      first: '  ',
    },
  );
  if (spanNs > 0) {
    // Within a second or two no second is a whole one: its count may be less than the mean.
    const busiest = `${formatRate(peakPerSec)} in the busiest second (${clock(peakSec)} UTC)`;
    paper.sentence(`${formatRate(meanPerSec)} on average${peakPerSec < meanPerSec ? '' : `, ${busiest}`}`, {
      first: '  ',
    });
    writeCurve(paper, time);
  }
  paper.sentence(durationSentence(time), { first: '  ', ink: ['bold'] });
}

function durationSentence({ speed, replayNs, meanPerSec }: TimeSummary): string {
  if (speed === 0) return 'At full speed it takes as long as the target takes to answer';
  const times = speed === 1 ? 'As fast as it was' : `At ${Number(speed.toPrecision(4))} times its speed`;
  const rate = speed === 1 || meanPerSec === 0 ? '' : `, at ${formatRate(meanPerSec * speed)} on average`;
  return `${times} it takes ${spanText(replayNs)}${rate}`;
}

function writeCurve(paper: Paper, { curve, curveStepSec, spanNs }: TimeSummary): void {
  if (curve.length < 2) return;
  const cells = paper.plain ? PLAIN_STEPS : paper.columns - 4;
  const steps = merged(curve, cells);
  const each = Math.ceil(curve.length / cells) * curveStepSec;
  // The last step ends with the log, not when it is over.
  const lastSec = Math.max(1, spanNs / 1e9 - (steps.length - 1) * each);
  const rates = steps.map((count, i) => count / (i === steps.length - 1 ? Math.min(each, lastSec) : each));
  if (paper.plain) {
    paper.sentence(`requests a second, by ${spanText(each * 1e9)}: ${rates.map(short).join(' ')}`, {
      first: '  ',
    });
    return;
  }
  paper.line(`  ${paper.ink(sparkline(rates, rates.length), 'cyan')}`);
  paper.sentence(`each column is ${spanText(each * 1e9)}, the highest ${formatRate(Math.max(...rates))}`, {
    first: '  ',
    ink: ['dim'],
  });
}

/** Sums of neighbours, so that there are no more than `cells`. */
function merged(values: readonly number[], cells: number): number[] {
  const width = Math.ceil(values.length / cells);
  const sums: number[] = [];
  for (const [i, value] of values.entries()) {
    const at = Math.floor(i / width);
    sums[at] = (sums[at] ?? 0) + value;
  }
  return sums;
}

const short = (rate: number) => String(Number(rate.toPrecision(3)));

function writeRequests(paper: Paper, summary: ReplaySummary): void {
  const { session, requestCount, statuses, methods, routes } = summary;
  paper.heading('Requests');
  const count =
    session.clientCount === session.clientLimit ? `over ${formatWhole(session.clientLimit)}` : null;
  const clients = count === null ? plural(session.clientCount, 'client') : `${count} clients`;
  paper.sentence(`${clients} by ${session.kind}: ${session.why}`, { first: '  ' });
  if (session.unknownCount > 0) {
    paper.sentence(
      `${plural(session.unknownCount, 'request')} without one, each taken for a client of its own`,
      {
        first: '  ',
      },
    );
  }
  const share = (part: number) => formatShare(part / requestCount);
  const told = (name: string, part: number) => `${name} ${share(part)}`;
  paper.sentence(methods.map(({ method, count: part }) => told(method, part)).join(', '), { first: '  ' });
  const byStatus = statuses.map(({ status, count: part }) =>
    told(status === 0 ? 'no status' : String(status), part),
  );
  paper.sentence(`answered with ${byStatus.join(', ')}`, { first: '  ' });
  paper.line();
  const rows = [...routes].sort((a, b) => b.count - a.count);
  const shown = rows.slice(0, ROWS_MAX);
  const rest = rows.slice(ROWS_MAX);
  if (rest.length > 0) shown.push({ name: `${rest.length} other routes`, count: sum(rest) });
  writeTable(
    paper,
    [
      { title: 'route', shrinkTo: 20 },
      { title: 'requests', align: 'right' },
      { title: 'share', align: 'right' },
    ],
    shown.map(({ name, count: part }) => [name, formatWhole(part), share(part)]),
  );
}

const LEFT_OUT_HINT: Readonly<Record<string, string>> = {
  method: 'methods that change things; --unsafe-methods sends them too',
  only: 'not what --only names',
  skip: 'what --skip names',
  sample: 'clients that are not in the sample',
  'outside --from and --to': 'outside --from and --to',
  'nothing to send': 'nothing to send: empty lines, comments, recorded replies, what is not HTTP',
};

function writeLeftOut(paper: Paper, { leftOut, unsafeMethods }: ReplaySummary): void {
  if (leftOut.length === 0) return;
  paper.heading('Left out');
  for (const { why, count } of leftOut) {
    const methods = unsafeMethods
      .map(({ method, count: part }) => `${method} ${formatWhole(part)}`)
      .join(', ');
    const aside = why === 'method' ? ` (${methods})` : '';
    paper.bullet(`${formatWhole(count)}: ${LEFT_OUT_HINT[why] ?? why}${aside}`);
  }
}

function writeRefused(paper: Paper, summary: ReplaySummary): void {
  if (summary.refused.length === 0) return;
  paper.heading('Refused');
  for (const refused of summary.refused) {
    paper.bullet(`${formatWhole(refused.count)}: ${refused.meaning}; ${placesOf(refused, summary)}`, [
      'yellow',
    ]);
    if (refused.example !== '') paper.line(`    ${paper.ink(cutTo(paper, refused.example), 'dim')}`);
  }
}

/** An example keeps to one line. */
function cutTo(paper: Paper, text: string): string {
  const clean = paper.clean(text);
  const room = paper.columns - 4;
  return paper.plain || clean.length <= room ? clean : `${clean.slice(0, room - 1)}…`;
}

/** "lines 3, 17 and more", "access.log line 3, access.log.1 line 17". */
export function placesOf({ firstAt, count }: RefusedLines, { sources }: ReplaySummary): string {
  const more = count > firstAt.length ? ' …' : '';
  if (sources.length === 1) {
    return `${firstAt.length === 1 && more === '' ? 'line' : 'lines'} ${firstAt.map(({ line }) => line).join(', ')}${more}`;
  }
  const places = firstAt.map(({ source, line }) => `${sourceName(sources[source]?.path ?? '?')}:${line}`);
  return `${places.join(', ')}${more}`;
}

function isoSecond(sec: number): string {
  return `${new Date(Math.floor(sec) * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function clock(sec: number): string {
  return new Date(Math.floor(sec) * 1000).toISOString().slice(11, 19);
}

/** "850 ms", "12.3 s", "3 min 20 s", "26 h 04 min", "12 days". */
export function spanText(ns: number): string {
  if (ns < 120e9) return formatNs(ns);
  const whole = Math.round(ns / 1e9);
  const minutes = Math.floor(whole / 60);
  const seconds = whole % 60;
  if (minutes < 120) return seconds === 0 ? `${minutes} min` : `${minutes} min ${seconds} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 72) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

/** One line while it is read: "read 1.2 GiB of 3.0 GiB (40 %), 3.4 M lines". */
export function readingText(progress: { readBytes: number; totalBytes: number; lineCount: number }): string {
  const { readBytes, totalBytes, lineCount } = progress;
  const known = totalBytes > 0 && readBytes <= totalBytes;
  const of = known ? ` of ${formatBytes(totalBytes)} (${formatShare(readBytes / totalBytes)})` : '';
  return `reading: ${formatBytes(readBytes)}${of}, ${plural(lineCount, 'line')}`;
}
