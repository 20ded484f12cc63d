/** What is linear grows eightfold on eight times the input, what is quadratic 64-fold. */
export const LINEAR_GROWTH_MOST = 28;

const SIZE = 8192;
const TRIES = 7;

/**
 * How many times longer `work` takes on eight times the input. The shortest of several tries of each: the ratio says
 * how the work grows, and nothing of how fast or how busy the machine is.
 */
export function growthOf(work: (size: number) => unknown, size: number = SIZE): number {
  for (let i = 0; i < 2; i++) work(size / 8);
  // Below a tenth of a millisecond it is the clock that is measured.
  return (
    shortestMs(() => work(8 * size)) /
    Math.max(
      0.1,
      shortestMs(() => work(size)),
    )
  );
}

function shortestMs(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES; i++) {
    const begin = performance.now();
    work();
    least = Math.min(least, performance.now() - begin);
  }
  return least;
}
