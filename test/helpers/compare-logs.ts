/**
 * Two logs of the same traffic, as nginx wrote them: the one that was replayed, and that of the server it was replayed
 * at. All from the definitions, and from nothing that the tool itself computes.
 */
import { readFileSync } from 'node:fs';

/** What both servers log, and what the tool is told of it; milliseconds are the finest that nginx has. */
export const LOG_FORMAT =
  '$remote_addr:$remote_port [$time_local] "$request" $status $body_bytes_sent $request_time $msec';

export type Logged = { client: string; request: string; status: number; bytes: number; startMs: number };

/** In order of their starts; those of one millisecond in the order of the log. */
export function readLog(path: string): Logged[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines
    .map((line) => {
      const [, client, request, status, bytes, took, end] =
        /^(\S+) \[[^\]]+\] "([^"]+)" (\d+) (\d+) ([\d.]+) ([\d.]+)$/.exec(line) ?? [];
      if (!end) throw new Error(`not a line of this log: ${line}`);
      return {
        client: client!,
        request: request!,
        status: Number(status),
        bytes: Number(bytes),
        startMs: Math.round(Number(end) * 1e3) - Math.round(Number(took) * 1e3),
      };
    })
    .sort((a, b) => a.startMs - b.startMs);
}

/** Requests of one log that the other has not, as often; each request is one of its own. */
export function differenceOf(a: readonly Logged[], b: readonly Logged[]): string[] {
  const left = new Map<string, number>();
  for (const { request } of a) left.set(request, (left.get(request) ?? 0) + 1);
  for (const { request } of b) left.set(request, (left.get(request) ?? 0) - 1);
  return [...left].filter(([, count]) => count !== 0).map(([request, count]) => `${count} × ${request}`);
}

/**
 * Requests that came before one of the same client that the first log has earlier. Within a millisecond no log tells an
 * order, so only later ones count.
 */
export function disordered(logged: readonly Logged[], replayed: readonly Logged[]): string[] {
  const cameMs = new Map(replayed.map(({ request, startMs }) => [request, startMs]));
  const latest = new Map<string, Logged>();
  const wrong: string[] = [];
  for (const entry of logged) {
    const before = latest.get(entry.client);
    if (before && cameMs.get(entry.request)! < cameMs.get(before.request)!) wrong.push(entry.request);
    latest.set(entry.client, entry);
  }
  return wrong;
}

/** From each request to the one `step` further, in ms of the log's time. */
export function gapsMs(log: readonly Logged[], step: number, speed: number): number[] {
  return log.slice(step).map((entry, i) => (entry.startMs - log[i]!.startMs) * speed);
}

/** Kolmogorov–Smirnov: the largest difference of the shares up to x, where values within `tolerance` are equal. */
export function distance(a: readonly number[], b: readonly number[], tolerance: number): number {
  const shareUpTo = (sorted: readonly number[], x: number) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! <= x) low = middle + 1;
      else high = middle;
    }
    return low / sorted.length;
  };
  const one = [...a].sort((x, y) => x - y);
  const other = [...b].sort((x, y) => x - y);
  let most = 0;
  for (const x of one) most = Math.max(most, shareUpTo(one, x) - shareUpTo(other, x + tolerance));
  for (const x of other) most = Math.max(most, shareUpTo(other, x) - shareUpTo(one, x + tolerance));
  return most;
}

/** Variance over mean of the counts in whole windows of so many ms of the log's time. */
export function dispersion(log: readonly Logged[], windowMs: number, speed: number): number {
  const firstMs = log[0]!.startMs;
  const spanMs = (log.at(-1)!.startMs - firstMs) * speed;
  const counts = new Array<number>(Math.floor(spanMs / windowMs)).fill(0);
  for (const { startMs } of log) {
    const window = Math.floor(((startMs - firstMs) * speed) / windowMs);
    if (window < counts.length) counts[window]!++;
  }
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
  return variance / mean;
}

/** How much later the last hundred requests came than the usual one, ms: both logs begin where they will. */
export function finalLagMs(logged: readonly Logged[], replayed: readonly Logged[], speed: number): number {
  const cameMs = new Map(replayed.map(({ request, startMs }) => [request, startMs]));
  const offsetsMs = logged.map(({ request, startMs }) => cameMs.get(request)! - startMs / speed);
  return median(offsetsMs.slice(-100)) - median(offsetsMs);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
