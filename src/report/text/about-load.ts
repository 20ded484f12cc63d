import { formatNs, formatQuantile } from '../../base/units.ts';
import { peerName } from '../../diagnose/words.ts';
import type { LoadRecord } from '../../record/load.ts';
import { isSpoilt, type LatencyRow, QUANTILES, SAMPLES_BEYOND_MIN } from '../model/latency.ts';
import { formatWhole, plural } from './phrases.ts';

const ADDRESSES_SHOWN = 4;

/** What the marks of a latency table mean, for those that occur. */
export function latencyNotes(rows: LatencyRow[]): string[] {
  const notes: string[] = [];
  const response = rows.find((row) => row.kind === 'response');
  const range = response?.ranges.p99;
  if (range) {
    const high = `${range.highAtLeast ? '≥ ' : ''}${formatNs(range.highNs)}`;
    notes.push(
      `The p99 of response lies between ${formatNs(range.lowNs)} and ${high}, with 95 % confidence.`,
    );
  }
  const censored = response?.censoredCount ?? 0;
  if (censored > 0) {
    notes.push(
      `≥ at least this: ${plural(censored, 'request')} never got an answer and took at least their age.`,
    );
  }
  const above = rows.find((row) => row.withheldAbove !== null)?.withheldAbove;
  if (above) {
    const which = above.q > 0 ? `above ${formatQuantile(above.q)} ` : '';
    notes.push(`void: ${which}withheld, see ${above.reason} below.`);
  }
  const tooFew = (row: LatencyRow) =>
    row.count > 0 && QUANTILES.some(({ name, q }) => row.quantiles[name] === null && !isSpoilt(row, q));
  if (rows.some(tooFew)) {
    notes.push(`– too few requests: fewer than ${SAMPLES_BEYOND_MIN} lie beyond it.`);
  }
  return notes;
}

/** "200: 6 000, ERR: 12 (“ERR unknown command”)", the most frequent first; null when there are none. */
export function countsPhrase(
  counts: Record<string, number>,
  texts: Record<string, string> = {},
): string | null {
  const entries = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  if (entries.length === 0) return null;
  const said = (name: string) => (texts[name] === undefined ? '' : ` (“${texts[name]}”)`);
  return entries.map(([name, count]) => `${name}: ${formatWhole(count)}${said(name)}`).join(', ');
}

/** As countsPhrase(), of statuses: what stands under them is called "status 503". */
export function statusPhrase({ statusCounts, firstTexts = {} }: LoadRecord): string | null {
  const statuses = Object.keys(statusCounts);
  const texts = statuses.flatMap((status) => {
    const text = firstTexts[`status ${status}`];
    return text === undefined ? [] : [[status, text]];
  });
  return countsPhrase(statusCounts, Object.fromEntries(texts));
}

/** Connections by what became of them; what did not happen is not mentioned. */
export function connectionsPhrase({ connections, supply, plan }: LoadRecord): string {
  const peer = peerName(plan);
  const parts = [`${formatWhole(connections.opened)} opened`];
  const add = (count: number, what: string) => {
    if (count > 0) parts.push(`${formatWhole(count)} ${what}`);
  };
  const errnos = countsPhrase(supply?.failedByErrno ?? {});
  add(connections.failed, errnos === null ? 'failed to open' : `failed to open (${errnos})`);
  add(supply?.turnedAway ?? 0, 'turned away');
  const idle = connections.closedIdle ?? 0;
  const ofThem = idle > 0 ? ` (${formatWhole(idle)} of them with no request under way)` : '';
  add(connections.closedByPeer, `closed by ${peer}${ofThem}`);
  add(connections.unasked ?? 0, `given up because ${peer} sent what no request had asked for`);
  add(connections.reopened, 'reopened');
  const again = connections.sentAgain ?? 0;
  add(
    again,
    `${again === 1 ? 'request' : 'requests'} sent again on another, for ${peer} had announced its close`,
  );
  add(connections.lateReplies, connections.lateReplies === 1 ? 'late reply' : 'late replies');
  return parts.join(', ');
}

/** Where connections went, if the target's text does not say it, and which other addresses of its name did not answer. */
export function addressesPhrase({ plan, supply }: LoadRecord): string | null {
  const tried = supply?.addresses ?? [];
  const used = tried.filter(({ error }) => error === null).map(({ address }) => address);
  const failed = tried.flatMap(({ address, error }) => (error === null ? [] : [`${address} (${error})`]));
  const typed = plan.proxy?.url ?? plan.target;
  if (failed.length === 0 && used.every((address) => typed.includes(address))) return null;
  const whose = plan.proxy ? 'of the proxy: ' : '';
  return [whose + some(used), ...(failed.length > 0 ? [`not used: ${some(failed)}`] : [])].join('; ');
}

function some(names: readonly string[]): string {
  const more = names.length - ADDRESSES_SHOWN;
  return names.slice(0, ADDRESSES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** What the network stack counted that can pass for a slow server; null when there was nothing of the kind. */
export function networkPhrase({ network }: LoadRecord): string | null {
  if (!network) return null;
  const parts: string[] = [];
  const add = (count: number | null, one: string, many: string) => {
    if (count !== null && count > 0) parts.push(plural(count, one, many));
  };
  add(network.listenOverflows, 'listen queue overflow', 'listen queue overflows');
  add(
    network.listenDrops,
    'connection dropped at the listen queue',
    'connections dropped at the listen queue',
  );
  add(network.requestQueueFullDrops, 'SYN dropped by a full queue', 'SYNs dropped by a full queue');
  add(network.synRetransmits, 'SYN sent again', 'SYNs sent again');
  add(network.retransSegs, 'segment sent again', 'segments sent again');
  return parts.length > 0 ? parts.join(', ') : null;
}
