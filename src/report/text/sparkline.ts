/** A row of bars, one cell a value, for a glance at the last seconds. */

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/**
 * The last `cells` values, the newest at the right, padded on the left while there are fewer. Null leaves a gap.
 * "linear" begins at zero; "log" spans what is there, a factor of ten at least, so that noise does not look like drama.
 */
export function sparkline(
  values: readonly (number | null)[],
  cells: number,
  scale: 'linear' | 'log' = 'linear',
): string {
  const shown = values.slice(Math.max(0, values.length - cells));
  const known = shown.filter((value): value is number => value !== null && Number.isFinite(value));
  const top = Math.max(0, ...known);
  const bottom = scale === 'linear' ? 0 : Math.min(Math.min(...known), top / 10);
  const bars = shown.map((value) => {
    if (value === null || !Number.isFinite(value)) return ' ';
    return BARS[Math.min(BARS.length - 1, Math.floor(heightOf(value, bottom, top, scale) * BARS.length))]!;
  });
  return ' '.repeat(Math.max(0, cells - bars.length)) + bars.join('');
}

function heightOf(value: number, bottom: number, top: number, scale: 'linear' | 'log'): number {
  if (top <= 0 || value <= 0) return 0;
  if (scale === 'linear') return value / top;
  return Math.log(value / bottom) / Math.log(top / bottom);
}
