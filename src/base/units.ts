import { LoopscopeError } from './errors.ts';

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

/** "250ms", "10s", "1.5m", or a bare number taken as seconds → nanoseconds. Throws USAGE naming the option. */
export function parseDurationNs(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|h)?$/.exec(text.trim());
  const scale = DURATION_UNITS[match?.[2] ?? 's'];
  if (!match || scale === undefined) {
    throw new LoopscopeError(
      'USAGE',
      `${option}: "${text}" is not a duration`,
      `try ${option} 10s, or 250ms`,
    );
  }
  return Math.round(Number(match[1]) * scale);
}

/** "2000", "50k", "1.5M", with an optional "/s" → a number per second. Throws USAGE naming the option. */
export function parseRatePerSec(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kKM])?(?:\/s)?$/.exec(text.trim());
  const value = match ? Number(match[1]) * (match[2] === 'M' ? 1e6 : match[2] ? 1e3 : 1) : 0;
  if (!(value > 0)) {
    throw new LoopscopeError(
      'USAGE',
      `${option}: "${text}" is not a rate per second`,
      `try ${option} 2000, or 50k`,
    );
  }
  return value;
}

/** A whole number within [min, max]. Throws USAGE naming the option and the range. */
export function parseCount(text: string, option: string, min = 1, max = 1_000_000): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new LoopscopeError('USAGE', `${option}: "${text}" is not a whole number from ${min} to ${max}`);
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
  return `${percent !== 0 && Math.abs(percent) < 10 ? Number(percent.toPrecision(2)) : Math.round(percent)} %`;
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
