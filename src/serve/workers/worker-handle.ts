/** A master's view of one worker process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type ErrorCode, LoopscopeError } from '../../base/errors.ts';
import type { ProxySettings } from '../proxy/proxy-options.ts';
import type { RuleCount } from '../proxy/rules/rules.ts';
import { readStats, type WorkerStats, withRules } from '../stats.ts';
import { ROW, type Row } from './board.ts';
import {
  WORKER_FD,
  WORKER_SCRIPT,
  type WorkerChange,
  type WorkerOrders,
  type WorkerReport,
} from './worker-process.ts';

export type WorkerEvents = {
  /** It was told by somebody else to go, and takes no new connections. */
  leaving(worker: WorkerHandle): void;
  asksForStats(worker: WorkerHandle): void;
  ended(worker: WorkerHandle): void;
};

/** How it ended: in words, and whether in good order. */
export type WorkerEnd = { text: string; isOrderly: boolean };

export class WorkerHandle {
  readonly index: number;
  readonly generation: number;
  readonly rowIndex: number;
  readonly startedMs = performance.now();
  state: 'starting' | 'running' | 'leaving' | 'ended' = 'starting';
  /** Why it could not start, if it said so. */
  error: LoopscopeError | null = null;
  end: WorkerEnd = { text: '', isOrderly: false };
  cutCount = 0;
  faultHits: Record<string, number> = {};
  readonly #child: ChildProcess;
  readonly #row: Row;
  readonly #orders: WorkerOrders;
  readonly #events: WorkerEvents;
  /** What it had counted when it ended; its row may then be another's. */
  #lastStats: WorkerStats | null = null;
  /** It serves. (Never, if it dies before.) */
  readonly started: Promise<void>;
  readonly exited: Promise<void>;
  #hasStarted = () => {};
  readonly #changes: (() => void)[] = [];
  /** As it said last, within a second: a proxy's rules. */
  #rules: RuleCount[] = [];

  constructor(
    orders: WorkerOrders,
    generation: number,
    row: Row,
    descriptors: { board: number; listeners: number[]; shared: number[] },
    events: WorkerEvents,
  ) {
    this.index = orders.index;
    this.rowIndex = orders.row;
    this.generation = generation;
    this.#row = row;
    this.#orders = orders;
    this.#events = events;
    this.started = new Promise((resolve) => {
      this.#hasStarted = resolve;
    });
    const argv = ['--disable-warning=ExperimentalWarning', WORKER_SCRIPT];
    const stdio = [
      'pipe',
      'ignore',
      'inherit',
      'pipe',
      descriptors.board,
      ...descriptors.listeners,
      ...descriptors.shared,
    ] as const;
    this.#child = spawn(process.execPath, argv, { stdio: [...stdio] });
    // It may die before it has read them; its exit tells of that.
    this.#child.stdin?.on('error', () => {}).write(`${JSON.stringify(orders)}\n`);
    const said = this.#listenTo(this.#child.stdio?.[WORKER_FD.reports] as Readable | undefined);
    const gone = new Promise<void>((resolve) => {
      this.#child.once('error', (error) => {
        this.end = { text: `could not be started: ${error.message}`, isOrderly: false };
        resolve();
      });
      this.#child.once('exit', (code, signal) => {
        this.end = {
          text: signal ? `was ended by ${signal}` : `ended with status ${code}`,
          isOrderly: code === 0,
        };
        resolve();
      });
    });
    this.exited = Promise.all([said, gone]).then(() => this.#finish());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Between reading its counters and their line nothing is lost: they are in memory we share. */
  stats(): WorkerStats {
    const state = this.state === 'starting' ? 'running' : this.state;
    return this.#lastStats ?? this.#read(state);
  }

  signal(name: NodeJS.Signals): void {
    if (this.state === 'ended') return;
    if (name !== 'SIGKILL') this.state = 'leaving';
    this.#child.kill(name);
  }

  /** Tells a worker that serves what holds from now on. Resolves when it does, or the worker is gone. */
  change(settings: ProxySettings): Promise<unknown> {
    const line: WorkerChange = { settings };
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
    const changed = new Promise<void>((resolve) => {
      this.#changes.push(resolve);
    });
    return Promise.race([changed, this.exited]);
  }

  /** Resolves at the end of what it says; at once when it could not be started for want of descriptors. */
  #listenTo(reports: Readable | undefined): Promise<void> {
    if (!reports) return Promise.resolve();
    reports.on('error', () => {});
    return new Promise((resolve) => {
      const lines = createInterface({ input: reports });
      lines.on('line', (line) => {
        const report = parseReport(line);
        if (report) this.#hear(report);
      });
      lines.on('close', () => resolve());
    });
  }

  #read(state: WorkerStats['state']): WorkerStats {
    return withRules(readStats(this.#row, { ...this.#identity(), state }), this.#rules);
  }

  #identity() {
    const { settings, accept } = this.#orders;
    const { pid, generation } = this;
    return { worker: this.index + 1, generation, pid, backend: settings.backend, accept };
  }

  #hear(report: WorkerReport): void {
    if ('ready' in report) {
      if (this.state === 'starting') this.state = 'running';
      this.#hasStarted();
    } else if ('leaving' in report) {
      const isNews = this.state !== 'leaving';
      this.state = 'leaving';
      if (isNews) this.#events.leaving(this);
    } else if ('changed' in report) {
      this.#changes.shift()?.();
    } else if ('rules' in report) {
      this.#rules = report.rules;
    } else if ('asksForStats' in report) {
      this.#events.asksForStats(this);
    } else if ('ended' in report) {
      this.cutCount = report.ended.cutCount;
      this.faultHits = report.ended.faultHits;
    } else {
      const { code, message, hint } = report.error;
      this.error = new LoopscopeError(code as ErrorCode, message, hint);
    }
  }

  #finish(): void {
    // Without a last word, all that it had went with it.
    if (!this.end.isOrderly) this.cutCount = this.#row[ROW.connections]!;
    this.state = 'ended';
    this.#lastStats = this.#read('ended');
    this.#events.ended(this);
  }
}

/** Null for half a line: its writer was killed. */
function parseReport(line: string): WorkerReport | null {
  try {
    return JSON.parse(line) as WorkerReport;
  } catch {
    return null;
  }
}
