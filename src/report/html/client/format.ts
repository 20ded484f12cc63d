/** Numbers for axes and read-outs. Everything else arrives as text. */

const UNITS: [seconds: number, name: string][] = [
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
  [1e-9, 'ns'],
];

/** 0.00123 → "1.23 ms". */
export function formatSec(sec: number | null | undefined): string {
  if (sec === null || sec === undefined || !Number.isFinite(sec)) return '–';
  const [scale, name] = UNITS.find(([seconds]) => sec >= seconds * 0.9995) ?? UNITS[3]!;
  const value = sec / scale;
  return `${value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2)} ${name}`;
}

/** For axes: 0.001 → "1 ms". */
export function formatTick(sec: number): string {
  const [scale, name] = UNITS.find(([seconds]) => sec >= seconds * 0.9995) ?? UNITS[3]!;
  return `${Number((sec / scale).toPrecision(3))} ${name}`;
}

export function formatWholeNumber(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

/** 1 → "p90", 2 → "p99", 3.5 → "p99.97". */
export function formatNines(nines: number): string {
  const percent = 100 * (1 - 10 ** -nines);
  const digits = Math.max(0, Math.ceil(nines) - 2 + (Number.isInteger(nines) ? 0 : 1));
  return `p${Number(percent.toFixed(digits))}`;
}
