// Goal: what users type becomes the number they meant, or an error that names the option. Method: tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopscopeError } from './errors.ts';
import {
  formatBytes,
  formatCount,
  formatNs,
  formatShare,
  parseCount,
  parseDurationNs,
  parseRatePerSec,
} from './units.ts';

test('durations', () => {
  const rows: [string, number][] = [
    ['10', 10e9],
    ['10s', 10e9],
    ['250ms', 250e6],
    ['1.5m', 90e9],
    ['60us', 60e3],
    ['60µs', 60e3],
    ['7ns', 7],
    ['1h', 3600e9],
  ];
  for (const [text, ns] of rows) assert.equal(parseDurationNs(text, '--duration'), ns, text);
});

test('rates', () => {
  const rows: [string, number][] = [
    ['2000', 2000],
    ['50k', 50_000],
    ['1.5M', 1_500_000],
    ['10/s', 10],
    ['0.5', 0.5],
  ];
  for (const [text, rate] of rows) assert.equal(parseRatePerSec(text, '--rate'), rate, text);
});

test('what is not a number is refused by name', () => {
  const rows: (() => unknown)[] = [
    () => parseDurationNs('-1s', '--duration'),
    () => parseDurationNs('ten', '--duration'),
    () => parseRatePerSec('0', '--rate'),
    () => parseRatePerSec('-5', '--rate'),
    () => parseRatePerSec('1e400', '--rate'),
    () => parseCount('0', '--connections'),
    () => parseCount('1.5', '--connections'),
    () => parseCount('', '--connections'),
  ];
  for (const parse of rows) {
    assert.throws(
      parse,
      (error) => error instanceof LoopscopeError && /^--(duration|rate|connections): /.test(error.message),
    );
  }
});

test('figures are shown with three digits and their unit', () => {
  assert.equal(formatNs(999), '999 ns');
  assert.equal(formatNs(1500), '1.50 µs');
  assert.equal(formatNs(1_234_567), '1.23 ms');
  assert.equal(formatNs(99_960_000), '100 ms');
  assert.equal(formatNs(999_900_000), '1.00 s');
  assert.equal(formatNs(12e9), '12.0 s');
  assert.equal(formatCount(1234), '1234');
  assert.equal(formatCount(220_512), '221 k');
  assert.equal(formatShare(0.1234), '12 %');
  assert.equal(formatShare(0.00123), '0.12 %');
  assert.equal(formatBytes(1536), '1.50 KiB');
});
