/** What is linear grows eightfold on eight times the input, what is quadratic 64-fold. */
export const LINEAR_GROWTH_MOST = 28;

const SIZE = 8192;
const TRIES = 7;

/**
 * How many times more CPU time `work` takes on eight times the input. The least of several tries of each, on this
 * thread's own clock: the ratio says how the work grows, and nothing of how fast or how busy the machine is.
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
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
