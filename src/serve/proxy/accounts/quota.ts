/** Quotas: how many bytes, both ways together, a user may move in a day, a month (both of UTC), and ever. */
export type Quota = { dayBytes?: number; monthBytes?: number; totalBytes?: number };

/** Whose quota holds for users without one of their own. */
export const EVERYBODY = '*';

/** What each user may move: as asked for by name, as configured, or as for everybody. */
export function quotasOf(
  named: ReadonlyMap<string, Quota>,
  configured?: { users: readonly { name: string; quota?: Quota }[] },
): (user: string) => Quota | null {
  const own = new Map(configured?.users.flatMap(({ name, quota }) => (quota ? [[name, quota]] : [])));
  return (user) => named.get(user) ?? own.get(user) ?? named.get(EVERYBODY) ?? null;
}

export type QuotaPeriod = 'day' | 'month' | 'total';

/** A quota that is used up: to be told. `untilMs`: when the user may go on, wall clock; null: never. */
export type QuotaCut = {
  user: string;
  period: QuotaPeriod;
  limitBytes: number;
  usedBytes: number;
  untilMs: number | null;
};

export const HOUR_MS = 3_600_000;
export const DAY_MS: number = 24 * HOUR_MS;

export function dayStartMs(wallMs: number): number {
  return Math.floor(wallMs / DAY_MS) * DAY_MS;
}

export function monthStartMs(wallMs: number): number {
  const date = new Date(wallMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

function nextMonthMs(wallMs: number): number {
  const date = new Date(wallMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** What a user moved in the periods that a moment is in. */
type Spent = { dayMs: number; monthMs: number; dayBytes: number; monthBytes: number; totalBytes: number };

/** Keeps what the users with a quota have moved, and tells whose is used up. */
export class QuotaBook {
  readonly #spent = new Map<string, Spent>();
  #quotaOf: (user: string) => Quota | null;

  constructor(quotaOf: (user: string) => Quota | null) {
    this.#quotaOf = quotaOf;
  }

  /** From now on others hold: after a reload. */
  setQuotas(quotaOf: (user: string) => Quota | null): void {
    this.#quotaOf = quotaOf;
  }

  /** Users that were counted here. */
  get users(): IterableIterator<string> {
    return this.#spent.keys();
  }

  /** Adds what was moved; also at the start, from what was written down: then by the hour that it was moved in. */
  add(user: string, bytes: number, movedMs: number, nowMs: number = movedMs): void {
    const spent = this.#of(user, nowMs);
    spent.totalBytes += bytes;
    if (monthStartMs(movedMs) === spent.monthMs) spent.monthBytes += bytes;
    if (dayStartMs(movedMs) === spent.dayMs) spent.dayBytes += bytes;
  }

  /** Null while the user may go on. */
  cutOf(user: string, nowMs: number): QuotaCut | null {
    const quota = this.#quotaOf(user);
    if (!quota) return null;
    const spent = this.#of(user, nowMs);
    const check = (period: QuotaPeriod, limit: number | undefined, used: number, until: number | null) =>
      limit !== undefined && used >= limit
        ? { user, period, limitBytes: limit, usedBytes: used, untilMs: until }
        : null;
    return (
      check('total', quota.totalBytes, spent.totalBytes, null) ??
      check('month', quota.monthBytes, spent.monthBytes, nextMonthMs(nowMs)) ??
      check('day', quota.dayBytes, spent.dayBytes, spent.dayMs + DAY_MS)
    );
  }

  #of(user: string, nowMs: number): Spent {
    const [dayMs, monthMs] = [dayStartMs(nowMs), monthStartMs(nowMs)];
    let spent = this.#spent.get(user);
    if (!spent) {
      spent = { dayMs, monthMs, dayBytes: 0, monthBytes: 0, totalBytes: 0 };
      this.#spent.set(user, spent);
    }
    // Forward only: a wall clock that is set back a little does not open a day again.
    if (dayMs > spent.dayMs) Object.assign(spent, { dayMs, dayBytes: 0 });
    if (monthMs > spent.monthMs) Object.assign(spent, { monthMs, monthBytes: 0 });
    return spent;
  }
}

/** "alice has moved 12 B of 10 B a day: cut until …". */
export function describeCut(cut: QuotaCut, format: (bytes: number) => string): string {
  const period = cut.period === 'total' ? 'in all' : `a ${cut.period}`;
  const until =
    cut.untilMs === null ? 'for good' : `until ${new Date(cut.untilMs).toISOString().slice(0, 16)}Z`;
  return `${cut.user || 'nobody by name'} has moved ${format(cut.usedBytes)} of ${format(cut.limitBytes)} ${period}: cut ${until}`;
}
