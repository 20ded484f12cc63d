/**
 * Time in this project is a number of nanoseconds since the start of the run, on CLOCK_MONOTONIC
 * (clock_gettime(2)): the clock of process.hrtime, of bpf_ktime_get_ns() and of perf. A raw monotonic
 * reading passes 2^53 after 104 days of uptime, so the absolute anchor is kept once, as a bigint.
 */
export type Clock = {
  /** CLOCK_MONOTONIC at the start of the run, ns. */
  readonly startMonoNs: bigint;
  /** Wall clock at the start of the run, ms since 1970. */
  readonly startWallMs: number;
  /** ns since the start of the run. */
  nowNs(): number;
};

/** A clock anchored now, or at a given anchor so that worker threads share one origin. */
export function createClock(anchor?: { startMonoNs: bigint; startWallMs: number }): Clock {
  const startMonoNs = anchor?.startMonoNs ?? process.hrtime.bigint();
  const startWallMs = anchor?.startWallMs ?? Date.now();
  const offsetNs = performanceOffsetNs(startMonoNs);
  return { startMonoNs, startWallMs, nowNs: () => performance.now() * 1e6 - offsetNs };
}

/**
 * performance.now() reads the same clock without allocating, from another origin. The two are read in pairs and the
 * tightest pair gives the offset, to within the few hundred ns that one reading takes.
 */
function performanceOffsetNs(startMonoNs: bigint): number {
  let offsetNs = 0;
  let tightestNs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 16; i++) {
    const before = performance.now() * 1e6;
    const monoNs = Number(process.hrtime.bigint() - startMonoNs);
    const after = performance.now() * 1e6;
    if (after - before < tightestNs) {
      tightestNs = after - before;
      offsetNs = (before + after) / 2 - monoNs;
    }
  }
  return offsetNs;
}

/** A clock that moves only when told to, for tests. */
export function createFakeClock(): Clock & { advanceNs(ns: number): void } {
  let nowNs = 0;
  return {
    startMonoNs: 1_000_000_000n,
    startWallMs: 0,
    nowNs: () => nowNs,
    advanceNs(ns) {
      nowNs += ns;
    },
  };
}
