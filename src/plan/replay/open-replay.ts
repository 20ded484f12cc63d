/** The face of this room: logs in, requests out. */
import { LoopscopeError } from '../../base/errors.ts';
import { SESSION_KINDS } from './formats/log-format.ts';
import { LiveClock } from './order/live-clock.ts';
import { LIVE_SLACK_NS, Pace } from './order/pace.ts';
import { parseTimePoint, resolveBounds, type TimeBounds } from './order/time-bounds.ts';
import { Reader } from './reader.ts';
import type { ReplayOptions } from './replay-options.ts';
import { DROPPING_SINK, type ReplayProgress, type ReplayReader, type ReplaySink } from './replay-reader.ts';
import type { ReplaySummary } from './replay-summary.ts';
import { defaultSession, type SessionChoice } from './select/overlap.ts';
import { type LogFile, lookAt } from './sources/log-file.ts';
import { Merge } from './sources/merge.ts';
import { Account } from './survey/account.ts';
import { summarize } from './survey/summarize.ts';

/** Of many logs so many tell whether their clients sent one request after another. */
const FILES_LOOKED_INTO = 8;

/**
 * Opens logs and finds out what they are; nothing is handed on before pump(). Throws USAGE and FILE_UNREADABLE, naming
 * the option or the file. `signal`: a pipe that brings nothing is waited for no longer, and taken for empty.
 */
export async function openReplay(options: ReplayOptions, signal?: AbortSignal): Promise<ReplayReader> {
  checkFiles(options);
  const from = options.from === undefined ? null : parseTimePoint(options.from, '--from');
  const to = options.to === undefined ? null : parseTimePoint(options.to, '--to');
  const account = new Account();
  const logs = await lookAtAll(options, account, signal);
  try {
    const known = logs.filter(({ firstSec }) => Number.isFinite(firstSec));
    const first = known.reduce<LogFile | null>(
      (a, b) => (a !== null && a.firstSec <= b.firstSec ? a : b),
      null,
    );
    const bounds = resolveBounds(from, to, first?.firstSec ?? 0, first?.zoneSec ?? 0);
    return new OpenReplay(options, account, logs, bounds, chooseSession(options, logs));
  } catch (error) {
    await closeAll(logs);
    throw error;
  }
}

function checkFiles({ files, pace, loop }: ReplayOptions): void {
  if (files.length === 0) {
    throw new LoopscopeError('USAGE', 'no log is named', 'name files, or - for standard input');
  }
  if (files.filter((path) => path === '-').length > 1) {
    throw new LoopscopeError('USAGE', 'standard input is named twice', 'it can be read once');
  }
  if (!files.includes('-')) return;
  const why = pace?.kind === 'rate' ? '--rate' : loop ? '--loop' : null;
  if (why !== null) throw onlyOnce(why, 'standard input');
}

function onlyOnce(option: string, what: string): LoopscopeError {
  const reason =
    option === '--rate' ? 'the mean rate of the log must be known before' : 'it is to be read again';
  return new LoopscopeError(
    'USAGE',
    `${option}: ${what} can be read only once, and ${reason}`,
    option === '--rate' ? 'write it to a file first, or use --speed' : 'write it to a file first',
  );
}

async function lookAtAll(
  options: ReplayOptions,
  account: Account,
  signal: AbortSignal | undefined,
): Promise<LogFile[]> {
  const { files, format, fields, nginxConf, sessionHeader, pace, loop } = options;
  const typed = {
    ...(format !== undefined && { format }),
    ...(fields !== undefined && { fields }),
    ...(nginxConf !== undefined && { nginxConf }),
    ...(sessionHeader !== undefined && { sessionHeader }),
  };
  const logs: LogFile[] = [];
  try {
    for (const [index, path] of files.entries()) {
      logs.push(
        await lookAt({
          path,
          index,
          account,
          typed: { ...typed, files: [path] },
          signal,
          follow: options.follow === true,
          looksForOverlaps: options.session === undefined && index < FILES_LOOKED_INTO,
        }),
      );
    }
    const why = pace?.kind === 'rate' ? '--rate' : loop ? '--loop' : null;
    const pipe = logs.find(({ isFile }) => !isFile);
    if (why !== null && pipe !== undefined) throw onlyOnce(why, `${pipe.path} is not a file: it`);
    const fallback = logs.find(({ recognised }) => recognised !== null)?.recognised ?? null;
    for (const log of logs) log.fallback = fallback;
    return logs;
  } catch (error) {
    await closeAll(logs);
    throw error;
  }
}

async function closeAll(logs: readonly LogFile[]): Promise<void> {
  await Promise.all(logs.map((log) => log.close()));
}

/** What was asked for; the most exact that all logs carry without that. Throws USAGE for what they do not carry. */
function chooseSession({ session, sessionHeader }: ReplayOptions, logs: readonly LogFile[]): SessionChoice {
  const parsers = logs.flatMap(({ recognised }) => (recognised === null ? [] : [recognised.parser]));
  const carried = SESSION_KINDS.filter((kind) => parsers.every(({ carries }) => carries.includes(kind)));
  const asked = session ?? (sessionHeader === undefined ? undefined : 'header');
  if (asked !== undefined) {
    if (carried.includes(asked)) return { kind: asked, why: 'asked for' };
    const what = asked === 'header' ? `header:${sessionHeader}` : asked;
    throw new LoopscopeError(
      'USAGE',
      `--session ${what}: the log does not say it`,
      `it says ${carried.join(', ')}`,
    );
  }
  const heads = logs.flatMap(({ overlaps }) => (overlaps === null ? [] : [overlaps]));
  return defaultSession(carried, heads);
}

class OpenReplay implements ReplayReader {
  readonly #options: ReplayOptions;
  readonly #account: Account;
  readonly #logs: readonly LogFile[];
  readonly #bounds: TimeBounds;
  readonly #session: SessionChoice;
  readonly #live: LiveClock | null;
  #reader: Reader | null = null;

  constructor(
    options: ReplayOptions,
    account: Account,
    logs: readonly LogFile[],
    bounds: TimeBounds,
    session: SessionChoice,
  ) {
    this.#options = options;
    this.#account = account;
    this.#logs = logs;
    this.#bounds = bounds;
    this.#session = session;
    this.#live = options.follow === true ? new LiveClock() : null;
  }

  async pump(sink: ReplaySink, signal: AbortSignal): Promise<ReplaySummary> {
    const pace = await this.#pace(signal);
    const reader = new Reader({
      options: this.#options,
      account: this.#account,
      session: this.#session.kind,
      bounds: this.#bounds,
      pace,
      live: this.#live,
    });
    this.#reader = reader;
    const stop = () => reader.stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      while ((await reader.round(new Merge(this.#logs), sink)) && this.#options.loop === true);
    } finally {
      signal.removeEventListener('abort', stop);
      await this.close();
    }
    return summarize({
      reader,
      pace,
      account: this.#account,
      logs: this.#logs,
      session: this.#session,
      live: this.#live,
    });
  }

  /** For a rate, the logs are read once beforehand. */
  async #pace(signal: AbortSignal): Promise<Pace> {
    const pace = this.#options.pace ?? { kind: 'speed', factor: 1 };
    if (pace.kind !== 'rate') return new Pace(pace, 0, this.#live === null ? 0 : LIVE_SLACK_NS);
    const counting = await openReplay({ ...this.#options, pace: { kind: 'max' }, loop: false });
    const { time } = await counting.pump(DROPPING_SINK, signal);
    if (signal.aborted) return new Pace({ kind: 'max' });
    if (time !== null && time.spanNs > 0) return new Pace(pace, time.meanPerSec);
    throw new LoopscopeError(
      'USAGE',
      '--rate: the log has no rate: fewer than two requests, or all at one time',
      'use --speed max',
    );
  }

  progress(): ReplayProgress {
    const reader = this.#reader;
    return {
      lineCount: this.#account.lineCount,
      requestCount: this.#account.requestCount,
      readBytes: this.#logs.reduce((sum, log) => sum + log.readBytes(), 0),
      totalBytes: this.#logs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      newestSec: reader?.newestSec ?? 0,
      behindBytes: this.#logs[0]?.followed?.behindBytes ?? 0,
    };
  }

  routeNames(): string[] {
    return this.#reader?.routes.names() ?? [];
  }

  close(): Promise<void> {
    return closeAll(this.#logs);
  }
}
