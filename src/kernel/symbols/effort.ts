/**
 * What looking at a process may cost. Its files, maps and stacks are its owner's to make, and may have been made to be
 * dear. So each look has an account, in units of about a microsecond on a machine of 2024; they are counted and not
 * timed: the same process costs the same on every machine, and a busy one names no less.
 */

export type Effort = {
  /** Units that are left; below 0 when it is used up. */
  left: number;
  /** Pays as well: that of a stack pays from that of the whole watch. */
  readonly parent: Effort | null;
};

export function createEffort(units: number, parent: Effort | null = null): Effort {
  return { left: units, parent };
}

/** Thrown by spend(). Made once: a report may meet it a hundred thousand times. */
const SPENT = new RangeError('more than looking may cost');

let paying: Effort | null = null;

/** Does some work at the cost of an account instead of the one that pays now. Throws what isSpent() knows. */
export function within<T>(effort: Effort, work: () => T): T {
  const before = paying;
  paying = effort;
  try {
    return work();
  } finally {
    paying = before;
  }
}

/** Takes units from the account that pays now, and throws when it, or one above it, is used up. Free outside of all. */
export function spend(units: number): void {
  let isSpent = false;
  for (let effort = paying; effort !== null; effort = effort.parent) {
    effort.left -= units;
    if (effort.left < 0) isSpent = true;
  }
  if (isSpent) throw SPENT;
}

export function isSpent(error: unknown): boolean {
  return error === SPENT;
}

/** For a catch that takes whatever a malformed file brings: what is used up is not malformed. */
export function rethrowSpent(error: unknown): void {
  if (error === SPENT) throw error;
}
