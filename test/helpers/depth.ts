const isFull = process.env.TEST_DEPTH === 'full';

/**
 * How often a property is tried: `fullCount` times where TEST_DEPTH=full, as in `npm run test:full`; a fifth of it
 * otherwise, and never less than twenty times. For properties that take a second or more; cheap ones are always whole.
 */
export function runs(fullCount: number): number {
  if (isFull) return fullCount;
  return Math.min(fullCount, Math.max(20, Math.ceil(fullCount / 5)));
}

/** What a test goes through: all of it in the full run, and what stands for it otherwise. */
export function wholeOr<T>(all: readonly T[], few: readonly NoInfer<T>[]): readonly T[] {
  return isFull ? all : few;
}
