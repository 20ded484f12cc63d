/** What is linear grows eightfold on eight times the input, what is quadratic 64-fold. */
export const LINEAR_GROWTH_MOST = 28;

const SIZE = 8192;
const TRIES = 7;
const ROUNDS = 3;
/** Shorter work would have its growth hidden by the clock's grain and by what the processor's caches hold. */
const MEASURABLE_MS = 1;
const LARGEST_SIZE = 2 ** 20;

/**
 * How many times more CPU time `work` takes on eight times the input. The least of several tries of each, on this
 * thread's own clock, at a size that takes long enough to be measured, and the least of three such rounds: a neighbour
 * in the caches or a collection of garbage makes a ratio larger, and nothing makes a quadratic one small.
 */
export function growthOf(work: (size: number) => unknown, size: number = SIZE): number {
  for (let i = 0; i < 2; i++) work(size / 8);
  let measured = size;
  while (measured < LARGEST_SIZE && shortestMs(() => work(measured)) < MEASURABLE_MS) measured *= 2;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS && least >= LINEAR_GROWTH_MOST; i++) {
    least = Math.min(least, shortestMs(() => work(8 * measured)) / shortestMs(() => work(measured)));
  }
  return least;
}

function shortestMs(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES; i++) {
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  // Below a tenth of a millisecond it is the clock that is measured.
  return Math.max(0.1, least);
}
