/** How much each value of a series tells about the next, and how many independent values that leaves. */

/** Correlation of the series with itself `lag` steps later; 0 when it does not vary. */
export function autocorrelation(series: readonly number[], lag: number): number {
  const n = series.length;
  if (n <= lag) return 0;
  const mean = series.reduce((sum, value) => sum + value, 0) / n;
  let variance = 0;
  let product = 0;
  for (let i = 0; i < n; i++) {
    variance += (series[i]! - mean) ** 2;
    if (i >= lag) product += (series[i]! - mean) * (series[i - lag]! - mean);
  }
  return variance > 0 ? product / variance : 0;
}

/**
 * 1 + 2 Σρₖ over the first lags, until a pair of them is no longer positive (Geyer’s initial positive sequence): by so
 * much fewer are the independent values of the series. At least 1.
 */
export function inflation(series: readonly number[]): number {
  const furthest = Math.floor(series.length / 3);
  let sum = 0;
  for (let lag = 1; lag <= furthest; lag += 2) {
    const pair = autocorrelation(series, lag) + (lag < furthest ? autocorrelation(series, lag + 1) : 0);
    if (!(pair > 0)) break;
    sum += pair;
  }
  return Math.max(1, 1 + 2 * sum);
}

/** n ÷ (1 + 2 Σρₖ). */
export function effectiveCount(series: readonly number[]): number {
  return series.length === 0 ? 0 : series.length / inflation(series);
}
