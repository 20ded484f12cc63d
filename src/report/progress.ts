/** How a run is going: two lines for a terminal, redrawn in place, or one line now and then for a log. */
import { formatCount, formatNs, NS_PER_S } from '../base/units.ts';
import { sparkline } from './text/sparkline.ts';
import { cut, displayWidth } from './text/width.ts';

/** What is known while a run goes on; load is null when only live traffic is watched. */
export type ProgressSnapshot = {
  elapsedNs: number;
  /** Infinity: nobody knows. */
  durationNs: number;
  load: ProgressLoad | null;
  /** Null when nobody watches the server. */
  stallCount: number | null;
};

export type ProgressLoad = {
  planned: number;
  done: number;
  /** Errors, wrong replies and timeouts. */
  failed: number;
  inFlight: number;
  /** Due, and without a free connection yet. */
  waiting: number;
  /** Absent or null while nothing is known of it. */
  latency?: ProgressLatency | null;
  /** How far the log is read that is replayed; null at first. */
  replay?: { readBytes: number; totalBytes: number } | null;
};

/** Response times of the measured part so far, ns. */
export type ProgressLatency = {
  p50Ns: number;
  p99Ns: number;
  /** p99 of the last quarter of a second alone; null when no reply came in it. */
  recentP99Ns: number | null;
};

/** Rates are over the last second: shorter would jump, longer would lag. */
const RATE_OVER_NS = NS_PER_S;
const SPARK_CELLS = 20;
const SAMPLES_MAX = 64;
/** Room that a terminal needs to echo ^C behind the last line without wrapping. */
const ECHO_CELLS = 2;

type Sample = { elapsedNs: number; planned: number; done: number; failed: number };
/** A piece of a line; those with the highest `rank` are left out first when there is no room. */
type Piece = { text: string; rank: number };

/** Keeps what rates and the small picture need; draws nothing itself. Times are ns since the run began. */
export class ProgressView {
  readonly #samples: Sample[] = [];
  readonly #heldPerSec: number[] = [];
  readonly #recentP99Ns: (number | null)[] = [];
  #now: ProgressSnapshot | null = null;
  #failedBefore = 0;
  readonly #closedLoop: boolean;
  readonly #requestLimit: number | null;
  /** The user asked for the end, and replies under way are waited for. */
  ending = false;

  /**
   * In a closed loop nothing is asked for: requests follow the replies. With a `requestLimit` the run ends when so many
   * requests have theirs, and how far it is, they tell.
   */
  constructor(options: { closedLoop?: boolean; requestLimit?: number | null } = {}) {
    this.#requestLimit = options.requestLimit ?? null;
    this.#closedLoop = options.closedLoop ?? false;
  }

  /** Takes in the next snapshot. */
  add(snapshot: ProgressSnapshot): void {
    this.#now = snapshot;
    const { load } = snapshot;
    if (load === null) return;
    const last = this.#samples.at(-1);
    const spanNs = snapshot.elapsedNs - (last?.elapsedNs ?? 0);
    if (last && spanNs > 0) this.#heldPerSec.push(((load.done - last.done) / spanNs) * NS_PER_S);
    if (load.latency !== undefined) this.#recentP99Ns.push(load.latency?.recentP99Ns ?? null);
    this.#failedBefore = last?.failed ?? 0;
    const { planned, done, failed } = load;
    this.#samples.push({ elapsedNs: snapshot.elapsedNs, planned, done, failed });
    for (const list of [this.#samples, this.#heldPerSec, this.#recentP99Ns]) {
      if (list.length > SAMPLES_MAX) list.shift();
    }
  }

  /** The lines to be shown, each narrower than `columns`; one line when there is little room or no load. */
  lines(columns: number): string[] {
    const now = this.#now;
    if (now === null) return [];
    const room = Math.max(1, columns - 1 - ECHO_CELLS);
    const first = [...this.#timePieces(now), ...this.#ratePieces(), ...latencyPieces(now.load)];
    const second = [...this.#sparkPieces(), ...this.#statePieces(now)];
    if (now.load === null || columns < 60) return [fit([...first, ...this.#statePieces(now)], room)];
    return [fit(first, room), fit(second, room)];
  }

  /** A whole line in ASCII for a log, with its line break. */
  logLine(): string {
    const now = this.#now;
    if (now === null) return '';
    const ofAll = Number.isFinite(now.durationNs) ? ` of ${seconds(now.durationNs)}` : '';
    if (isReading(now))
      return `${elapsed(now)} s, reading the log${readText(now).replace('of the log read', 'of it')}\n`;
    const pieces = [
      this.#counted(now)?.text ?? `${elapsed(now)}${ofAll} s${readText(now)}`,
      ...[...this.#ratePieces(), ...latencyPieces(now.load), ...this.#statePieces(now)].map(({ text }) =>
        text.trim(),
      ),
    ];
    return `${pieces.join('  ').replaceAll('µ', 'u')}\n`;
  }

  /** How far a run is that ends after so many requests; null of any other. */
  #counted({ load, elapsedNs }: ProgressSnapshot): { share: number; text: string } | null {
    const limit = this.#requestLimit;
    if (limit === null || load === null) return null;
    const ended = Math.max(0, load.planned - load.inFlight - load.waiting);
    const text = `${formatCount(ended)} of ${formatCount(limit)} done, ${seconds(elapsedNs)} s`;
    return { share: Math.min(1, ended / limit), text };
  }

  #timePieces(now: ProgressSnapshot): Piece[] {
    const counted = this.#counted(now);
    if (counted) {
      return [
        { text: bar(counted.share), rank: 6 },
        { text: counted.text, rank: 0 },
      ];
    }
    if (isReading(now))
      return [{ text: `reading the log${readText(now).replace('of the log read', 'of it')}`, rank: 0 }];
    if (now.durationNs === Number.POSITIVE_INFINITY) {
      return [{ text: `${seconds(now.elapsedNs)} s${readText(now)}`, rank: 0 }];
    }
    const share = now.durationNs > 0 ? Math.min(1, Math.max(0, now.elapsedNs / now.durationNs)) : 0;
    return [
      { text: bar(share), rank: 6 },
      { text: `${elapsed(now)}/${seconds(now.durationNs)} s`, rank: 0 },
    ];
  }

  #ratePieces(): Piece[] {
    const rates = this.#rates();
    if (rates === null) return [];
    if (this.#closedLoop) return [{ text: `${rate(rates.heldPerSec)} answered`, rank: 1 }];
    const held = `${rate(rates.heldPerSec)} held`;
    return [
      { text: `${rate(rates.askedPerSec)} asked`, rank: 4 },
      { text: held, rank: 1 },
    ];
  }

  /** Requests that became due, and replies that came, a second. */
  #rates(): { askedPerSec: number; heldPerSec: number } | null {
    const last = this.#samples.at(-1);
    if (!last) return null;
    const from = this.#samples.find(({ elapsedNs }) => elapsedNs >= last.elapsedNs - 1.05 * RATE_OVER_NS)!;
    const base = from === last ? { elapsedNs: 0, planned: 0, done: 0 } : from;
    const spanSec = Math.max(1, last.elapsedNs - base.elapsedNs) / NS_PER_S;
    return {
      askedPerSec: Math.max(0, last.planned - base.planned) / spanSec,
      heldPerSec: Math.max(0, last.done - base.done) / spanSec,
    };
  }

  #sparkPieces(): Piece[] {
    const known = this.#recentP99Ns.some((ns) => ns !== null);
    const picture = known
      ? sparkline(this.#recentP99Ns, SPARK_CELLS, 'log')
      : sparkline(this.#heldPerSec, SPARK_CELLS);
    const label = known ? 'p99' : this.#closedLoop ? 'answered' : 'held';
    return [{ text: `${picture} ${label}`, rank: 6 }];
  }

  #statePieces({ load, stallCount, elapsedNs, durationNs }: ProgressSnapshot): Piece[] {
    const pieces: Piece[] = [];
    if (this.ending) {
      return [
        { text: 'ending the run', rank: 0 },
        { text: 'Ctrl-C again quits at once', rank: 5 },
      ];
    }
    if (load) {
      pieces.push({ text: `${formatCount(load.inFlight)} in flight`, rank: 3 });
      if (load.waiting > 0) pieces.push({ text: `${formatCount(load.waiting)} waiting`, rank: 2 });
      if (load.failed > 0) {
        const more = load.failed > this.#failedBefore ? ', rising' : '';
        pieces.push({ text: `${formatCount(load.failed)} FAILED${more}`, rank: 0 });
      }
    }
    if (stallCount !== null) {
      pieces.push({ text: stallCount === 1 ? '1 stall' : `${formatCount(stallCount)} stalls`, rank: 1 });
    }
    if (load && (this.#requestLimit !== null || durationNs === Number.POSITIVE_INFINITY)) return pieces;
    const leftNs = durationNs - elapsedNs;
    // Nothing is sent any more: what goes on is the wait for replies under way, at most as long as their timeout.
    const state =
      leftNs > 0 || !load ? `${seconds(Math.max(0, leftNs))} s left` : 'waiting for the last replies';
    pieces.push({ text: state, rank: 5 });
    return pieces;
  }
}

/** Of a log that is replayed nothing was due yet. */
function isReading({ load }: ProgressSnapshot): boolean {
  return load?.replay !== undefined && load.planned === 0;
}

/** ", 45 % of the log read"; empty where that is not known. */
function readText({ load }: ProgressSnapshot): string {
  const { readBytes = 0, totalBytes = 0 } = load?.replay ?? {};
  if (totalBytes === 0) return '';
  return `, ${Math.floor((100 * Math.min(readBytes, totalBytes)) / totalBytes)} % of the log read`;
}

function latencyPieces(load: ProgressLoad | null): Piece[] {
  if (!load?.latency) return [];
  return [
    { text: `p50 ${formatNs(load.latency.p50Ns).padStart(7)}`, rank: 3 },
    { text: `p99 ${formatNs(load.latency.p99Ns).padStart(7)}`, rank: 2 },
  ];
}

/** Joins pieces in their order, leaving out the least important until the rest fits. */
function fit(pieces: Piece[], room: number): string {
  const kept = [...pieces];
  const text = () => kept.map((piece) => piece.text).join('  ');
  while (kept.length > 1 && displayWidth(text()) > room) {
    const leastRank = Math.max(...kept.map(({ rank }) => rank));
    kept.splice(
      kept.findLastIndex(({ rank }) => rank === leastRank),
      1,
    );
  }
  return cut(text(), room);
}

/** As wide for 5/s as for 128 k/s, so that what follows stands still. */
function rate(perSec: number): string {
  return `${formatCount(perSec < 100 ? Number(perSec.toPrecision(2)) : Math.round(perSec))}/s`.padStart(8);
}

function bar(share: number): string {
  const filled = Math.round(share * SPARK_CELLS);
  return '━'.repeat(filled) + '─'.repeat(SPARK_CELLS - filled);
}

function elapsed({ elapsedNs, durationNs }: ProgressSnapshot): string {
  return seconds(Math.max(0, Math.min(elapsedNs, durationNs)));
}

function seconds(ns: number): string {
  return (ns / NS_PER_S).toFixed(1);
}
