/**
 * The least and the greatest of many. Math.max(...values) puts them all on the stack, which a hundred thousand overflow:
 * for lists whose length a run file decides.
 */

/** Infinity when there are none. */
export function leastOf(values: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) least = Math.min(least, value);
  return least;
}

/** −Infinity when there are none. */
export function greatestOf(values: Iterable<number>): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of values) greatest = Math.max(greatest, value);
  return greatest;
}
