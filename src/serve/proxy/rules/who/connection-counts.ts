/** How many connections each user has, so that none has more than he may. */

/** A user's connections in other workers are counted too where there are any: that is what the seam is for. */
export type ConnectionCounts = {
  /** Counts one more, unless there are so many already; `limit` is null for any number. */
  enter(user: string, limit: number | null): boolean;
  left(user: string): void;
};

/** Of one process. */
export class OwnConnections implements ConnectionCounts {
  readonly #counts = new Map<string, number>();

  enter(user: string, limit: number | null): boolean {
    const count = this.#counts.get(user) ?? 0;
    if (limit !== null && count >= limit) return false;
    this.#counts.set(user, count + 1);
    return true;
  }

  left(user: string): void {
    const count = this.#counts.get(user) ?? 0;
    if (count <= 1) this.#counts.delete(user);
    else this.#counts.set(user, count - 1);
  }
}
