/**
 * The master: opens the listeners, keeps one worker in each place, and replaces them: one that died after a pause that
 * grows, all of them on reload, new ones first. It serves nothing itself.
 */
import { LoopscopeError } from '../../base/errors.ts';
import { ProcessLock } from '../accept/process-lock.ts';
import type { AcceptStrategy } from '../accept/strategy.ts';
import type { ProxySettings } from '../proxy/proxy-options.ts';
import type { WorkerStats } from '../stats.ts';
import { BackOff } from './back-off.ts';
import { Board } from './board.ts';
import type { Listening } from './listening.ts';
import type { Placement } from './placement.ts';
import { WorkerHandle } from './worker-handle.ts';
import type { SharedPart, WorkerSettings } from './worker-process.ts';

export type MasterOptions = {
  workerCount: number;
  strategy: AcceptStrategy;
  listening: Listening;
  settings: WorkerSettings;
  faults: string[];
  placement: Placement;
  /** Memory that workers share besides the board; each has the part of its row. */
  shared: readonly (SharedPart & { fd: number })[];
  /** One line for whoever runs the server: a worker died, a reload failed. */
  onNews(text: string): void;
  onStatsAsked(stats: WorkerStats[]): void;
};

export type Totals = Pick<WorkerStats, 'requests' | 'bad' | 'slowReaders' | 'timedOut' | 'accepts'>;

/** One place of a worker. */
type Place = { current: WorkerHandle | null; backOff: BackOff; timer: NodeJS.Timeout | null };

/** Rows of the board for each place: its worker, and those that are leaving it. */
const ROWS_PER_PLACE = 8;
const SPARE_ROWS = 8;
/** Past workers whose counters are kept. */
const MOST_PAST = 1000;
/** Beyond a worker's own time limits, before it is killed. */
const KILL_AFTER_MS = 1000;

/** Rows of the board of so many workers. */
export function rowCountFor(workerCount: number): number {
  return workerCount * ROWS_PER_PLACE + SPARE_ROWS;
}

export class Master {
  readonly #options: MasterOptions;
  readonly #board: Board;
  readonly #places: Place[];
  readonly #alive = new Set<WorkerHandle>();
  readonly #freeRows: number[];
  readonly #past: WorkerStats[] = [];
  #settings: WorkerSettings;
  #generation = 1;
  #isStarting = true;
  #isStopping = false;
  #reloading: Promise<void> = Promise.resolve();
  /** Of workers that have ended. */
  readonly totals: Totals = { requests: 0, bad: 0, slowReaders: 0, timedOut: 0, accepts: 0 };
  cutCount = 0;
  readonly faultHits: Record<string, number> = {};

  constructor(options: MasterOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#board = Board.create(rowCountFor(options.workerCount));
    this.#freeRows = Array.from({ length: this.#board.rowCount }, (_, i) => this.#board.rowCount - 1 - i);
    this.#places = Array.from({ length: options.workerCount }, () => {
      return { current: null, backOff: new BackOff(), timer: null };
    });
  }

  get pids(): number[] {
    return this.#places.flatMap(({ current }) => (current ? [current.pid] : []));
  }

  /** Starts a worker in each place. Throws what the first to fail said, with none left. */
  async start(): Promise<void> {
    const workers = this.#places.map((place, index) => (place.current = this.#spawn(index)));
    const failed = (await Promise.all(workers.map(hasStarted))).find((error) => error !== null);
    this.#isStarting = false;
    if (!failed) return;
    await this.stop();
    throw failed;
  }

  /** Counters of all workers, past ones first. */
  stats(): WorkerStats[] {
    return [...this.#past, ...[...this.#alive].map((worker) => worker.stats())];
  }

  /** Replaces all workers, without a moment in which nobody accepts. One reload after the other. */
  reload(settings: WorkerSettings): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload(settings));
    return this.#reloading;
  }

  /** Has all workers, and those to come, go by other settings, each in place. Resolves when they do. */
  async change(settings: ProxySettings): Promise<void> {
    this.#settings = settings;
    await Promise.all([...this.#alive].map((worker) => worker.change(settings)));
  }

  /** Ends all workers in good order, those that do not by force. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { timer } of this.#places) if (timer) clearTimeout(timer);
    for (const worker of this.#alive) worker.signal('SIGINT');
    const force = setTimeout(() => this.kill(), this.#settings.stopTimeoutNs / 1e6 + KILL_AFTER_MS);
    while (this.#alive.size > 0) await Promise.all([...this.#alive].map((worker) => worker.exited));
    clearTimeout(force);
  }

  /** Ends all workers at once. */
  kill(): void {
    for (const worker of this.#alive) worker.signal('SIGKILL');
  }

  /** After stop(). */
  [Symbol.dispose](): void {
    this.kill();
    this.#board[Symbol.dispose]();
  }

  async #reload(settings: WorkerSettings): Promise<void> {
    if (this.#isStopping) return;
    if (this.#freeRows.length < this.#places.length * 2) {
      this.#options.onNews('reload refused: too many workers of earlier reloads are still leaving');
      return;
    }
    const before = this.#settings;
    this.#settings = settings;
    this.#generation++;
    const fresh = this.#places.map((_, index) => this.#spawn(index));
    const failed = (await Promise.all(fresh.map(hasStarted))).find((error) => error !== null);
    if (failed || this.#isStopping) {
      this.#settings = before;
      for (const worker of fresh) worker.signal('SIGINT');
      if (failed) this.#options.onNews(`reload failed: ${failed.message}; the workers stay as they are`);
      return;
    }
    for (const [index, place] of this.#places.entries()) {
      const old = place.current;
      if (place.timer) clearTimeout(place.timer);
      place.timer = null;
      place.current = fresh[index]!;
      old?.signal('SIGTERM');
      // It may have died between its first word and now.
      if (place.current.state === 'ended') this.#replace(place.current);
    }
  }

  #spawn(index: number): WorkerHandle {
    const row = this.#freeRows.pop();
    if (row === undefined) throw new LoopscopeError('INTERNAL', 'no row is left for another worker');
    this.#board.row(row).fill(0);
    const { listening, strategy, faults, placement, shared } = this.#options;
    const orders = {
      masterPid: process.pid,
      index,
      settings: this.#settings,
      accept: strategy.name,
      faults,
      placement,
      rowCount: this.#board.rowCount,
      row,
      addresses: listening.addresses,
      shared: shared.map(({ name, partCount }) => ({ name, partCount })),
    };
    const descriptors = {
      board: this.#board.fd,
      listeners: listening.of(index),
      shared: shared.map(({ fd }) => fd),
    };
    const worker = new WorkerHandle(orders, this.#generation, this.#board.row(row), descriptors, {
      leaving: (leaver) => this.#replace(leaver),
      asksForStats: (asker) => this.#options.onStatsAsked([asker.stats()]),
      ended: (dead) => this.#ended(dead),
    });
    this.#alive.add(worker);
    return worker;
  }

  #ended(worker: WorkerHandle): void {
    this.#alive.delete(worker);
    new ProcessLock(this.#board.lockWords, 0, process.pid).breakFor(worker.pid);
    this.#freeRows.push(worker.rowIndex);
    const stats = worker.stats();
    for (const key of Object.keys(this.totals) as (keyof Totals)[]) this.totals[key] += stats[key];
    this.#past.push(stats);
    if (this.#past.length > MOST_PAST) this.#past.shift();
    this.cutCount += worker.cutCount;
    for (const [fault, hits] of Object.entries(worker.faultHits)) {
      this.faultHits[fault] = (this.faultHits[fault] ?? 0) + hits;
    }
    // One that dies during the start ends it: start() says why.
    if (this.#isStarting || this.#isStopping || this.#places[worker.index]!.current !== worker) return;
    const why = worker.error ? `: ${worker.error.message}` : '';
    const lost = worker.cutCount > 0 ? `, with ${worker.cutCount} connections` : '';
    this.#options.onNews(`worker ${worker.index + 1} (pid ${worker.pid}) ${worker.end.text}${why}${lost}`);
    this.#replace(worker);
  }

  /** Starts another worker in the place of one that is gone or going: at once, or later if they keep dying. */
  #replace(worker: WorkerHandle): void {
    const place = this.#places[worker.index]!;
    if (this.#isStopping || place.current !== worker) return;
    place.current = null;
    const waitMs = place.backOff.afterMs(performance.now() - worker.startedMs);
    const start = () => {
      place.timer = null;
      if (this.#isStopping) return;
      if (this.#freeRows.length === 0) place.timer = setTimeout(start, BackOff.longestMs);
      else place.current = this.#spawn(worker.index);
    };
    if (waitMs === 0) start();
    else place.timer = setTimeout(start, waitMs);
  }
}

/** Null when it serves, else why not. */
async function hasStarted(worker: WorkerHandle): Promise<LoopscopeError | null> {
  await Promise.race([worker.started, worker.exited]);
  if (worker.state !== 'ended') return null;
  return (
    worker.error ??
    new LoopscopeError('INTERNAL', `worker ${worker.index + 1} ${worker.end.text} before it could serve`)
  );
}
