/**
 * Reads the books of all workers several times a second, judges quotas, and has what was counted written down. It lives
 * in the master, or beside the loop of a proxy without workers, and never waits for the disk.
 */
import { randomUUID } from 'node:crypto';
import { formatBytes } from '../../../base/units.ts';
import type { Books } from './book-memory.ts';
import { BookReader } from './book-reader.ts';
import { Ledger } from './ledger.ts';
import { dayStartMs, describeCut, monthStartMs, type Quota, QuotaBook } from './quota.ts';
import { openStore, type StoreHandle } from './store-handle.ts';
import { addUsage, noUsage, type Usage } from './usage.ts';

/** A quota is to be felt within a second: read, marked, and seen by the worker. */
export const READ_EVERY_MS = 250;
/** With the 250 ms that a worker looks at its connections after, and a commit, a kill loses no more than a second. */
export const WRITE_EVERY_MS = 650;
/** A disk may be slow; when it is so slow, that is told. */
const SLOW_MS = 5000;
/** At the end, for the last batches to be written. */
const END_MS = 5000;
/** Users with totals of their own, for metrics; others are put together. */
const USERS_MAX = 100;
export const OTHER_USERS = '(other)';

export type AccountantOptions = {
  path: string;
  books: Books;
  quotaOf(user: string): Quota | null;
  /** One line for whoever runs the proxy. */
  onNews(text: string): void;
  wallMs?(): number;
  /** For tests: how the file is reached. */
  openStore?: typeof openStore;
};

/** What metrics are made of. Counted since the start of this run. */
export type AccountsFigures = {
  users: ReadonlyMap<string, Usage>;
  openConnections: number;
  /** Rows that are counted and not yet written. */
  waitingRows: number;
  writtenBatches: number;
  failedWrites: number;
  /** Users whose quota is used up now. */
  cutUsers: number;
};

export class Accountant {
  readonly #options: AccountantOptions;
  readonly #readers: BookReader[];
  readonly #ledger = new Ledger(randomUUID());
  readonly #quotas: QuotaBook;
  readonly #wallMs: () => number;
  readonly #users = new Map<string, Usage>();
  readonly #cut = new Set<string>();
  #store: StoreHandle | null = null;
  #timers: NodeJS.Timeout[] = [];
  #sentMs = 0;
  #isFailing = false;
  #isSlow = false;
  #written = 0;
  #failed = 0;

  private constructor(options: AccountantOptions) {
    this.#options = options;
    this.#wallMs = options.wallMs ?? Date.now;
    this.#quotas = new QuotaBook(options.quotaOf);
    this.#readers = Array.from(
      { length: options.books.bookCount },
      (_, index) => new BookReader(options.books.book(index)),
    );
  }

  /** Opens the file; nothing is read or written before start(). Throws ACCOUNTS. */
  static async open(options: AccountantOptions): Promise<Accountant> {
    const accountant = new Accountant(options);
    const nowMs = accountant.#wallMs();
    const store = await (options.openStore ?? openStore)(options.path, nowMs, {
      settled: (sequence) => accountant.#onSettled(sequence),
      failed: (message, hint) => accountant.#onFailed(message, hint),
    });
    for (const { user, dayBytes, monthBytes, totalBytes } of store.spent) {
      accountant.#quotas.add(user, dayBytes, dayStartMs(nowMs), nowMs);
      accountant.#quotas.add(user, monthBytes - dayBytes, monthStartMs(nowMs), nowMs);
      accountant.#quotas.add(user, totalBytes - monthBytes, 0, nowMs);
    }
    accountant.#store = store;
    accountant.read();
    return accountant;
  }

  start(): void {
    this.#timers = [
      setInterval(() => this.read(), READ_EVERY_MS),
      setInterval(() => this.write(), WRITE_EVERY_MS),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  get figures(): AccountsFigures {
    let openConnections = 0;
    for (const reader of this.#readers) reader.open((_user, _destination, open) => (openConnections += open));
    return {
      users: this.#users,
      openConnections,
      waitingRows: this.#ledger.waitingCount,
      writtenBatches: this.#written,
      failedWrites: this.#failed,
      cutUsers: this.#cut.size,
    };
  }

  /** From now on these quotas hold. */
  setQuotas(quotaOf: (user: string) => Quota | null): void {
    this.#quotas.setQuotas(quotaOf);
  }

  /** Takes what was counted since the last time, and marks whose quota is used up. */
  read(): void {
    const nowMs = this.#wallMs();
    for (const reader of this.#readers) {
      reader.read((user, destination, more) => {
        this.#ledger.add(user, destination, nowMs, more);
        this.#quotas.add(user, more.upBytes + more.downBytes, nowMs);
        this.#addFigures(user, more);
      });
    }
    this.#judge(nowMs);
    for (const reader of this.#readers) reader.mark((user) => this.#cut.has(user));
  }

  /** Reads, and has it written unless a batch is still under way. */
  write(): void {
    this.read();
    const store = this.#store;
    if (!store) return;
    const nowMs = this.#wallMs();
    if (store.isBusy) {
      if (!this.#isSlow && nowMs - this.#sentMs > SLOW_MS) {
        this.#isSlow = true;
        this.#news('a write takes more than 5 s: the proxy goes on, and counts in memory');
      }
      return;
    }
    const batch = this.#ledger.take(nowMs);
    if (!batch) return;
    this.#sentMs = nowMs;
    store.send(batch);
  }

  /** Writes the last of it, when no worker is left. Tells what could not be written. */
  async end(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const giveUpAtMs = performance.now() + END_MS;
    do {
      this.write();
      await new Promise((resolve) => setTimeout(resolve, this.#isFailing ? 200 : 5));
    } while (this.#ledger.waitingCount > 0 && performance.now() < giveUpAtMs);
    await this.#store?.end();
    this.#store = null;
    const { waitingCount } = this.#ledger;
    if (waitingCount > 0) this.#news(`what ${waitingCount} users and destinations moved last is not written`);
  }

  #judge(nowMs: number): void {
    for (const user of this.#quotas.users) {
      const cut = this.#quotas.cutOf(user, nowMs);
      if (cut && !this.#cut.has(user)) this.#news(`quota: ${describeCut(cut, formatBytes)}`);
      if (!cut && this.#cut.has(user)) this.#news(`quota: ${user || 'nobody by name'} may go on`);
      if (cut) this.#cut.add(user);
      else this.#cut.delete(user);
    }
  }

  #addFigures(user: string, more: Readonly<Usage>): void {
    const name = this.#users.has(user) || this.#users.size < USERS_MAX ? user : OTHER_USERS;
    const sum = this.#users.get(name) ?? noUsage();
    addUsage(sum, more);
    this.#users.set(name, sum);
  }

  #onSettled(sequence: number): void {
    this.#ledger.settle(sequence);
    this.#written++;
    if (this.#isFailing || this.#isSlow) this.#news('written again; nothing was lost');
    this.#isFailing = false;
    this.#isSlow = false;
  }

  #onFailed(message: string, hint: string): void {
    this.#failed++;
    if (!this.#isFailing) {
      this.#options.onNews(
        `${message}; the proxy goes on, and counts in memory until it can write (${hint})`,
      );
    }
    this.#isFailing = true;
  }

  #news(text: string): void {
    this.#options.onNews(`accounts: ${text}`);
  }
}
