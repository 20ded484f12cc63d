/**
 * Everything about upstreams that is there once, however many workers relay: the rows, who is in them (from the
 * configuration, a file, the admin socket), and the thread that checks them. In the master, or in the one process.
 */
import type { CheckSettings } from './checks/check-settings.ts';
import { type CheckerHandle, startChecker } from './checks/start-checker.ts';
import { type AdminServer, listenForAdmin } from './feed/admin-server.ts';
import { readUpstreamFile } from './feed/list-file.ts';
import { Pace } from './feed/pace.ts';
import { ROW_COUNT, Roster } from './rows/roster.ts';
import { createSharedRows, type RowsPlace, type SharedRows } from './rows/shared-rows.ts';
import { ROW_STATE, STAT } from './rows/upstream-rows.ts';
import type { UpstreamSpec } from './upstream-spec.ts';

export type UpstreamSources = {
  /** Those that are named one by one. */
  upstreams: readonly UpstreamSpec[];
  /** A file of more; null for none. */
  file: string | null;
  /** Path of the admin socket; null for none. */
  admin: string | null;
  /** null: nobody is checked. */
  checks: CheckSettings | null;
};

/** What the checker has done so far. */
export type CheckReport = {
  checked: number;
  begun: number;
  failed: number;
  missed: number;
  capped: number;
  shortages: number;
  underWay: number;
  /** Checks begun in 100 ms: mean of the last minute, most ever, and variance by mean; null before there is enough. */
  binMean: number;
  binMost: number;
  dispersion: number | null;
};

/** Upstreams by what checks say of them; draining: removed, with connections that last. */
export type UpstreamStates = { unknown: number; up: number; down: number; draining: number };

const HEALTH_NAMES = ['unknown', 'up', 'down'] as const;

export class UpstreamService {
  readonly #sources: UpstreamSources;
  readonly #shared: SharedRows;
  readonly #onNews: (text: string) => void;
  readonly #roster: Roster;
  #checker: CheckerHandle | null = null;
  #admin: AdminServer | null = null;

  private constructor(sources: UpstreamSources, onNews: (text: string) => void) {
    this.#sources = sources;
    this.#onNews = onNews;
    this.#shared = createSharedRows(rowsFor(sources));
    this.#roster = new Roster(this.#shared.rows);
  }

  /** Throws what is wrong with the sources, with nothing left open. */
  static async start(sources: UpstreamSources, onNews: (text: string) => void): Promise<UpstreamService> {
    const service = new UpstreamService(sources, onNews);
    try {
      await service.#replace(await service.#listed(sources.upstreams, new Pace()), new Pace());
      if (sources.admin !== null) service.#admin = await listenForAdmin(sources.admin, service.#roster);
      if (sources.checks !== null) {
        const onDeath = (why: string) => onNews(`upstreams are checked no more: ${why}`);
        service.#checker = startChecker(service.place, sources.checks, onDeath);
      }
      return service;
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
  }

  get place(): RowsPlace {
    return this.#shared.place;
  }

  get count(): number {
    return this.#roster.count;
  }

  /**
   * Reads the file again, and takes `upstreams` for those that are named one by one. What the admin socket added and no
   * list names goes. Throws, and leaves all as it is, when something is wrong.
   */
  async reload(upstreams: readonly UpstreamSpec[] = this.#sources.upstreams): Promise<void> {
    const pace = new Pace();
    const list = await this.#listed(upstreams, pace);
    await this.#replace(list, pace);
    this.#onNews(`${this.count} upstreams listed`);
  }

  /** How many there are, by what is known of them: for metrics, not for every cycle. */
  states(): UpstreamStates {
    const { rows } = this.#shared;
    const states = { unknown: 0, up: 0, down: 0, draining: 0 };
    for (let row = 0; row < rows.rowCount; row++) {
      const state = rows.state(row);
      if (state === ROW_STATE.draining) states.draining++;
      else if (state === ROW_STATE.used) states[HEALTH_NAMES[rows.health(row)]]++;
    }
    return states;
  }

  /** null when nobody is checked. */
  checkReport(): CheckReport | null {
    if (this.#checker === null) return null;
    const { stats } = this.#shared.rows;
    const dispersion = stats[STAT.dispersion]!;
    return {
      checked: stats[STAT.checked]!,
      begun: stats[STAT.begun]!,
      failed: stats[STAT.failed]!,
      missed: stats[STAT.missed]!,
      capped: stats[STAT.capped]!,
      shortages: stats[STAT.shortages]!,
      underWay: stats[STAT.underWay]!,
      binMean: stats[STAT.binMean]!,
      binMost: stats[STAT.binMost]!,
      dispersion: Number.isFinite(dispersion) && stats[STAT.binMean]! > 0 ? dispersion : null,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin?.[Symbol.asyncDispose]();
    await this.#checker?.[Symbol.asyncDispose]();
    this.#admin = null;
    this.#checker = null;
    this.#shared[Symbol.dispose]();
  }

  async #listed(named: readonly UpstreamSpec[], pace: Pace): Promise<UpstreamSpec[]> {
    const { file } = this.#sources;
    return file === null ? [...named] : [...named, ...(await readUpstreamFile(file, pace))];
  }

  async #replace(list: readonly UpstreamSpec[], pace: Pace): Promise<void> {
    const step = this.#roster.replace(list, () => performance.now());
    while (!step(pace.untilMs)) await pace.rest();
  }
}

/** A few upstreams that nobody can add to need no room for 20 000. */
function rowsFor({ upstreams, file, admin }: UpstreamSources): number {
  return file === null && admin === null
    ? Math.min(ROW_COUNT, Math.max(64, upstreams.length * 4))
    : ROW_COUNT;
}
