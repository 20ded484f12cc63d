/** What the terminal and the page say of a replay, in the same words. Names from the log are passed on as they are. */
import { formatBytes, formatNs, formatShare } from '../../base/units.ts';
import { ratio } from '../../diagnose/facts/numbers.ts';
import type { ReplayClients, ReplaySizes } from '../../record/replay/replay.ts';
import type { ReplayModel } from '../model/replay.ts';
import { formatValue, formatWhole, pacePhrase, plural } from './phrases.ts';
import { isoTime } from './wall-clock.ts';

/** For a logged quantile of 0. */
export const BELOW_STEP = 'A logged 0 is less than the step of that log’s times.';

const NAMES_TOLD = 3;
const CHANGES_TOLD = 4;
const REFUSALS_TOLD = 4;
const LINES_TOLD = 3;
const EXAMPLE_LENGTH = 80;

export const ROUTES_MEANING =
  'Logged: what the log’s server says of itself. Replayed: what this client felt, from the time a request was due. The difference is what a server’s own log cannot see: the wait to be accepted and read, the network, and how this target differs from that server.';

/** Terms and sentences, in the order of the report; what there is nothing of is left out. */
export function replayRows(model: ReplayModel): { term: string; text: string; warn?: boolean }[] {
  const { log } = model.record;
  return [
    { term: 'log', text: logPhrase(model) },
    { term: 'lines', text: linesPhrase(model) },
    ...log.skipped
      .filter(({ count }) => count > 0)
      .map(({ reason, count }) => ({ term: 'left out', text: `${formatWhole(count)}: ${reason}` })),
    ...refusedRows(model),
    ...log.remarks.map((text) => ({ term: 'note', text, warn: true })),
    { term: 'clients', text: clientsPhrase(model) },
    { term: 'schedule', text: schedulePhrase(model) },
    { term: 'fidelity', text: fidelityPhrase(model) },
    { term: 'statuses', text: statusesPhrase(model), warn: model.changed.length > 0 },
    { term: 'sizes', text: sizesPhrase(model.record.sizes) },
  ].filter(({ text }) => text !== '');
}

function logPhrase({ record: { log } }: ReplayModel): string {
  const more = log.sourceCount - Math.min(NAMES_TOLD, log.sources.length);
  const names =
    log.sources.slice(0, NAMES_TOLD).join(', ') + (more > 0 ? ` and ${formatWhole(more)} more` : '');
  const when = log.firstWallMs === null ? '' : `, from ${isoTime(log.firstWallMs)} on`;
  const { name, why } = log.format;
  return `${names}; ${why.startsWith(name) ? why : `${name} (${why})`}${when}`;
}

/** "20 110 read = 20 000 requests + 100 left out + 10 refused". */
function linesPhrase({ lines, record }: ReplayModel): string {
  const ahead =
    lines.notDueCount === 0
      ? ''
      : `; ${formatWhole(lines.notDueCount)} of the requests were read ahead, and not due yet`;
  const left =
    lines.unaccountedCount === 0 ? '' : `; ${formatWhole(Math.abs(lines.unaccountedCount))} UNACCOUNTED FOR`;
  return (
    `${formatWhole(lines.readCount)} read = ${formatWhole(record.log.requestCount)} requests + ` +
    `${formatWhole(lines.skippedCount)} left out + ${formatWhole(lines.refusedCount)} refused${left}${ahead}`
  );
}

function refusedRows({ record: { log } }: ReplayModel): { term: string; text: string; warn: boolean }[] {
  const refused = log.refused.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
  const rows = refused.slice(0, REFUSALS_TOLD).map(({ reason, count, firstLines, example }) => {
    const at = firstLines.slice(0, LINES_TOLD).map(({ source, line }) => {
      const name = log.sourceCount > 1 ? `${log.sources[source] ?? 'another file'} ` : '';
      return `${name}line ${line}`;
    });
    const where = at.length === 0 ? '' : ` (${at.join(', ')}${count > at.length ? ', …' : ''})`;
    const what = example === '' ? '' : `: “${example.slice(0, EXAMPLE_LENGTH)}”`;
    return { term: 'refused', text: `${formatWhole(count)}: ${reason}${where}${what}`, warn: true };
  });
  const more = refused.length - rows.length;
  if (more > 0) rows.push({ term: 'refused', text: `and for ${plural(more, 'other reason')}`, warn: true });
  return rows;
}

function clientsPhrase({ record: { clients, schedule }, waitedShare }: ReplayModel): string {
  if (clients.session === 'none') return `not told apart (${clients.why})`;
  const parts = [`${countPhrase(clients)} by ${clients.session} (${clients.why})`];
  if (clients.unknownCount > 0) parts.push(`${plural(clients.unknownCount, 'line')} without one`);
  if (schedule.pace !== 'max') {
    parts.push(
      `${formatWhole(clients.waitedCount)} requests (${formatShare(waitedShare)}) waited for their client’s one before`,
    );
  }
  if (clients.movedCount > 0) parts.push(`${formatWhole(clients.movedCount)} on another connection than it`);
  if (clients.disorderedCount > 0) parts.push(`${formatWhole(clients.disorderedCount)} OUT OF ORDER`);
  return parts.join(', ');
}

function countPhrase({ distinct, atLimit }: ReplayClients): string {
  if (distinct === null) return 'clients';
  return `${atLimit ? '≥' : ''}${plural(distinct, 'client')}`;
}

function schedulePhrase({ record: { schedule, log } }: ReplayModel): string {
  const parts = [pacePhrase(schedule)];
  if (log.spanNs !== null) parts.push(`${formatNs(log.spanNs)} of log`);
  if (schedule.from !== null) parts.push(`from ${schedule.from}`);
  if (schedule.to !== null) parts.push(`to ${schedule.to}`);
  if (schedule.roundCount > 1) parts.push(`${formatWhole(schedule.roundCount)} rounds`);
  if (schedule.pace !== 'max' && schedule.grainNs !== null)
    parts.push(`stamps to ${formatNs(schedule.grainNs)}`);
  if (schedule.spreadCount > 0) parts.push(`${formatWhole(schedule.spreadCount)} spread over their second`);
  if (schedule.overflowCount > 0) {
    parts.push(`${formatWhole(schedule.overflowCount)} went on before the reorder window had closed`);
  }
  const { follow } = schedule;
  if (follow) {
    parts.push(
      `followed, ${formatNs(follow.behindNs)} and ${formatBytes(follow.behindBytes)} behind its end`,
    );
    if (follow.delayNs) parts.push(`each sent ${formatNs(follow.delayNs)} after it began`);
    if (follow.overtakenCount) {
      parts.push(`${formatWhole(follow.overtakenCount)} later than that, as they were logged later`);
    }
    if (follow.rotatedCount > 0) parts.push(`replaced ${times(follow.rotatedCount)}`);
    if (follow.truncatedCount > 0) parts.push(`cut ${times(follow.truncatedCount)}`);
  }
  return parts.join(', ');
}

/** How true the sends were to the schedule; empty where there was none. */
function fidelityPhrase({ gaps, lag, dispersion, record }: ReplayModel): string {
  if (record.schedule.pace === 'max') return 'full speed: no schedule to be true to';
  const parts: string[] = [];
  if (gaps) parts.push(`gaps ${gaps.distance.toFixed(3)} from those due (Kolmogorov–Smirnov)`);
  const ratios = dispersion.filter(({ ratio: known }) => known !== null);
  if (ratios.length > 0) {
    const list = ratios.map(({ ms, ratio: known }) => `${known!.toFixed(2)} at ${ms} ms`).join(', ');
    parts.push(`dispersion ${list} of what was due`);
  }
  if (lag) {
    parts.push(`last requests ${formatNs(lag.finalNs)} late, the latest of all ${formatNs(lag.largestNs)}`);
  }
  if (record.starved.count > 0) {
    parts.push(
      `${formatWhole(record.starved.count)} read too late, by ${formatNs(record.starved.longestNs)} at most`,
    );
  }
  return parts.join('; ');
}

function statusesPhrase({ statuses, changed }: ReplayModel): string {
  const { sameCount, differentCount, unloggedCount } = statuses;
  const total = sameCount + differentCount;
  if (total + unloggedCount === 0) return '';
  const list = changed
    .slice(0, CHANGES_TOLD)
    .map(({ logged, came, count }) => `${logged} → ${came}: ${formatWhole(count)}`);
  if (changed.length > list.length) list.push('…');
  const otherwise =
    differentCount === 0 ? '' : `, ${formatWhole(differentCount)} otherwise (${list.join(', ')})`;
  const unlogged = unloggedCount === 0 ? '' : `, ${formatWhole(unloggedCount)} without one in the log`;
  return `${formatWhole(sameCount)} as logged (${formatValue(ratio(sameCount, total), 'share')})${otherwise}${unlogged}`;
}

function sizesPhrase(sizes: ReplaySizes): string {
  const { equal, larger, smaller, unknown, moreBytes, fewerBytes, filledCount } = sizes;
  if (equal + larger + smaller + unknown + filledCount === 0) return '';
  const parts = [`${formatWhole(equal)} bodies as logged`];
  if (larger > 0)
    parts.push(`${formatWhole(larger)} larger (by ${formatBytes(moreBytes / larger)} on average)`);
  if (smaller > 0)
    parts.push(`${formatWhole(smaller)} smaller (by ${formatBytes(fewerBytes / smaller)} on average)`);
  if (unknown > 0) parts.push(`${formatWhole(unknown)} not known`);
  if (filledCount > 0) parts.push(`${plural(filledCount, 'request')} with filler for a body`);
  return parts.join(', ');
}

const times = (count: number) => (count === 1 ? 'once' : `${formatWhole(count)} times`);
