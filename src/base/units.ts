import { LoopscopeError } from './errors.ts';
import { printable } from './printable.ts';

/** Nanoseconds, where the name is not ours to choose (an option of the command line). */
export type Ns = number;

export const NS_PER_US = 1_000;
export const NS_PER_MS = 1_000_000;
export const NS_PER_S = 1_000_000_000;

const DURATION_UNITS: Record<string, number> = {
  ns: 1,
  us: NS_PER_US,
  µs: NS_PER_US,
  ms: NS_PER_MS,
  s: NS_PER_S,
  m: 60 * NS_PER_S,
  h: 3600 * NS_PER_S,
};

const ONE_TIME = /^(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|h)?$/;
const TIMES_IN_TURN = /^(?:(\d+)h)?\s*(?:(\d+)m(?!s))?\s*(?:(\d+(?:\.\d+)?)s)?\s*(?:(\d+(?:\.\d+)?)ms)?$/;

/**
 * "250ms", "10s", "1.5m", "1h30m", "1m30s", or a bare number taken as seconds → nanoseconds. Throws USAGE naming the
 * option.
 */
export function parseDurationNs(text: string, option: string): number {
  const ns = Math.round(durationOf(text.trim()));
  // Beyond this a nanosecond is lost in the sum.
  if (Number.isSafeInteger(ns)) return ns;
  throw new LoopscopeError(
    'USAGE',
    `${option}: "${printable(text, 60)}" is not a duration`,
    `try ${option} 10s, 250ms or 1m30s`,
  );
}

/** NaN when it is none. */
function durationOf(text: string): number {
  const one = ONE_TIME.exec(text);
  if (one) return Number(one[1]) * DURATION_UNITS[one[2] ?? 's']!;
  const parts = text === '' ? null : TIMES_IN_TURN.exec(text);
  if (!parts) return Number.NaN;
  return ['h', 'm', 's', 'ms'].reduce(
    (sum, unit, i) => sum + Number(parts[i + 1] ?? 0) * DURATION_UNITS[unit]!,
    0,
  );
}

/** 10e9 → "10s", 2.5e8 → "250ms": as it would be typed, to the nanosecond. */
export function typedDuration(ns: number): string {
  if (ns % NS_PER_S === 0) return `${ns / NS_PER_S}s`;
  if (ns % NS_PER_MS === 0) return `${ns / NS_PER_MS}ms`;
  return ns % NS_PER_US === 0 ? `${ns / NS_PER_US}us` : `${ns}ns`;
}

const SECONDS_PER: Record<string, number> = { s: 1, sec: 1, m: 60, min: 60, h: 3600 };

/** "2000", "50k", "1.5M", "1e3", "0.5", "10/s", "30/m", "100/h" → a number per second. Throws USAGE naming the option. */
export function parseRatePerSec(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:[eE]\+?(\d{1,3}))?\s*([kKM])?\s*(?:\/\s*(s|sec|m|min|h))?$/.exec(
    text.trim(),
  );
  const scale = match?.[3] === 'M' ? 1e6 : match?.[3] ? 1e3 : 1;
  const value = match ? (Number(`${match[1]}e${match[2] ?? 0}`) * scale) / SECONDS_PER[match[4] ?? 's']! : 0;
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new LoopscopeError(
      'USAGE',
      `${option}: "${printable(text, 60)}" is not a rate per second`,
      `try ${option} 2000, 50k or 30/m`,
    );
  }
  return value;
}

/** A whole number within [min, max]. Throws USAGE naming the option and the range. */
export function parseCount(text: string, option: string, min = 1, max = 1_000_000): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new LoopscopeError(
      'USAGE',
      `${option}: "${printable(text, 60)}" is not a whole number from ${min} to ${max}`,
    );
  }
  return value;
}

/** 1234567 → "1.23 ms". Three significant digits, the unit that suits the size. */
export function formatNs(ns: number): string {
  const abs = Math.abs(ns);
  // The next unit begins where three digits would round up to it: 999 950 ns is 1.00 ms, not 1000 µs.
  if (abs < NS_PER_US) return `${Math.round(ns)} ns`;
  if (abs < 0.9995 * NS_PER_MS) return `${toThree(ns / NS_PER_US)} µs`;
  if (abs < 0.9995 * NS_PER_S) return `${toThree(ns / NS_PER_MS)} ms`;
  return `${toThree(ns / NS_PER_S)} s`;
}

/** 123456 → "123 k". Three significant digits. */
export function formatCount(value: number): string {
  const abs = Math.abs(value);
  if (abs >= 1e9) return `${toThree(value / 1e9)} G`;
  if (abs >= 1e6) return `${toThree(value / 1e6)} M`;
  if (abs >= 1e4) return `${toThree(value / 1e3)} k`;
  return Number.isInteger(value) ? String(value) : toThree(value);
}

/** 0.1234 → "12.3 %". */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent !== 0 && Math.abs(percent) < 10) return `${Number(percent.toPrecision(2))} %`;
  const whole = Math.round(percent);
  // Almost all is not all: what is missing is told beside it.
  return `${whole === 100 && percent < 100 ? Math.floor(percent * 10) / 10 : whole} %`;
}

/** 0.99 → "p99", 0.999 → "p99.9", 0.2611 → "p26.1". */
export function formatQuantile(q: number): string {
  return `p${Number((q * 100).toFixed(q < 0.99 ? 1 : 4))}`;
}

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : toThree(value)} ${units[unit]}`;
}

function toThree(value: number): string {
  const abs = Math.abs(value);
  return abs >= 99.95 ? value.toFixed(0) : abs >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
