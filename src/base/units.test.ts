// Goal: what users type becomes the number they meant, or an error that names the option. Method: tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../test/helpers/depth.ts';
import { LoopscopeError } from './errors.ts';
import {
  formatBytes,
  formatCount,
  formatNs,
  formatQuantile,
  formatShare,
  parseCount,
  parseDurationNs,
  parseRatePerSec,
  typedDuration,
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
    ['1h30m', 5400e9],
    ['1m30s', 90e9],
    ['1h 0m 5.25s', 3605.25e9],
    ['1s500ms', 1.5e9],
    ['2m5ms', 120.005e9],
    ['1.5s', 1.5e9],
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
    ['30/m', 0.5],
    ['90/min', 1.5],
    ['7200/h', 2],
    ['1e3', 1000],
    ['2.5E+2', 250],
    ['2k', 2000],
    ['1.5k/s', 1500],
    ['3k/m', 50],
  ];
  for (const [text, rate] of rows) assert.equal(parseRatePerSec(text, '--rate'), rate, text);
});

test('what is not a number is refused by name', () => {
  const rows: (() => unknown)[] = [
    () => parseDurationNs('-1s', '--duration'),
    () => parseDurationNs('ten', '--duration'),
    () => parseDurationNs('', '--duration'),
    () => parseDurationNs('30m1h', '--duration'),
    () => parseDurationNs('1h30', '--duration'),
    () => parseDurationNs('1.5h30m', '--duration'),
    () => parseDurationNs('9'.repeat(400), '--duration'),
    () => parseRatePerSec('30/d', '--rate'),
    () => parseRatePerSec('1e', '--rate'),
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
  assert.equal(formatShare(0.9967), '99.6 %');
  assert.equal(formatShare(0.99999), '99.9 %');
  assert.equal(formatShare(1), '100 %');
  assert.deepEqual([0.5, 0.26111, 0.99, 0.999, 0.9999].map(formatQuantile), [
    'p50',
    'p26.1',
    'p99',
    'p99.9',
    'p99.99',
  ]);
  assert.equal(formatBytes(1536), '1.50 KiB');
});

test('what is printed as it would be typed reads back to what it was', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 86_400e9 }), fc.constantFrom(1, 1e3, 1e6, 1e9), (ns, unit) => {
      const whole = Math.floor(ns / unit) * unit;
      assert.equal(parseDurationNs(typedDuration(whole), '--x'), whole);
    }),
  );
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), (rate) => {
      if (!String(rate).includes('e-')) assert.equal(parseRatePerSec(String(rate), '--x'), rate);
    }),
  );
});

test('whatever is typed for a number is read, or refused as none', () => {
  const piece = fc.constantFrom(
    '1',
    '9',
    '.',
    'e',
    '+',
    '-',
    'h',
    'm',
    's',
    'ms',
    'k',
    'M',
    '/',
    ' ',
    'Infinity',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece).map((parts) => parts.join('')),
  );
  for (const parse of [parseDurationNs, parseRatePerSec, parseCount]) {
    fc.assert(
      fc.property(text, (typed) => {
        try {
          const value = parse(typed, '--x');
          assert.ok(Number.isFinite(value) && value >= 0, `${typed}: ${value}`);
        } catch (error) {
          assert.ok(error instanceof LoopscopeError && error.code === 'USAGE', String(error));
          assert.match(error.message, /^--x: /);
        }
      }),
      { numRuns: runs(2000) },
    );
  }
});
