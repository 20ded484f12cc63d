/**
 * Run files as they come from elsewhere: real ones with values, keys, lines or bytes changed. Each seed is one file, the
 * same every time.
 */
import { createPrng, type Prng } from '../../src/base/prng.ts';
import { linesOf } from '../../src/record/run-file.ts';
import { sampleRun } from '../../src/report/testing/sample-run.ts';

/** Values that a field may hold by mistake or by malice: at the edges of numbers, of dates, and of other types. */
const NUMBERS = [
  ...[
    0,
    -0,
    1,
    -1,
    0.5,
    1e-300,
    2 ** 31,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    2 ** 63,
    2 ** 64,
    8.64e15,
    8.64e15 + 1,
  ],
  ...[1e15, 1e18, 1e300, Number.MAX_VALUE, 253_402_300_799_999, 253_402_300_800_000, 1e9, 1e6, 64, 4096],
];
const OTHERS: unknown[] = [
  null,
  '',
  'x',
  true,
  [],
  {},
  [null],
  '\u001b[2J',
  'x'.repeat(70_000),
  '\u202e',
  '\ud800',
];
const LETTERS = '{}[]",:-+.eE0123456789 \\\n\u0000ntf';
const CHANGES_MOST = 3;

/** Lines of small runs of every kind, to be changed. */
const BASES: readonly string[][] = [
  { scenario: 'contended' as const },
  { scenario: 'fsync' as const, mode: 'watch' as const },
  { scenario: 'healthy' as const, mode: 'load' as const, unanswered: 5 },
  { scenario: 'contended' as const, tier: 'proc' as const, hostile: true },
].map((options) =>
  [...linesOf(sampleRun({ ...options, seconds: 2, ratePerSec: 60 }))].map((line) => JSON.stringify(line)),
);

/** The file of a seed. */
export function mutatedRunFile(seed: number): string {
  const prng = createPrng(seed);
  const lines = [...BASES[prng.below(BASES.length)]!];
  const count = 1 + prng.below(CHANGES_MOST);
  for (let i = 0; i < count; i++) mutate(lines, prng);
  return `${lines.join('\n')}${prng.below(20) === 0 ? '' : '\n'}`;
}

function mutate(lines: string[], prng: Prng): void {
  const at = prng.below(lines.length);
  const kind = prng.below(60);
  if (kind === 0) lines[at] = withBytesChanged(lines[at]!, prng);
  else if (kind === 1) lines.splice(at, 1 + prng.below(2));
  else if (kind === 2) lines.splice(at, 0, lines[prng.below(lines.length)] ?? '');
  else if (kind === 3) lines[at] = lines[at]!.slice(0, prng.below(lines[at]!.length + 1));
  else lines[at] = withValuesChanged(lines[at]!, prng, kind);
}

function withBytesChanged(line: string, prng: Prng): string {
  const at = prng.below(line.length + 1);
  return line.slice(0, at) + LETTERS[prng.below(LETTERS.length)]! + line.slice(at + prng.below(2));
}

type Holder = { holder: Record<string, unknown>; key: string };

function withValuesChanged(line: string, prng: Prng, kind: number): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return line; // changed before
  }
  if (value === null || typeof value !== 'object') return line;
  const places: Holder[] = [];
  collect(value, places);
  let chosen = places[prng.below(places.length)];
  // Seldom a whole object: most files that lack one are refused for that alone.
  if (chosen && isObject(chosen.holder[chosen.key]) && prng.below(8) > 0)
    chosen = places[prng.below(places.length)];
  if (!chosen) return line;
  // One field of all items alike: sums and shares go wild together.
  const alike = kind % 4 === 0 ? places.filter(({ key }) => key === chosen.key) : [chosen];
  const replaced = anyValue(chosen.holder[chosen.key], prng);
  for (const { holder, key } of alike) {
    if (kind === 4) delete holder[key];
    else holder[key] = replaced;
  }
  return JSON.stringify(value);
}

function isObject(value: unknown): boolean {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Mostly of the same type, so that the schemas are passed. */
function anyValue(old: unknown, prng: Prng): unknown {
  if (prng.below(30) === 0) return OTHERS[prng.below(OTHERS.length)];
  if (typeof old === 'number') {
    const kind = prng.below(6);
    if (kind === 0) return -old;
    if (kind <= 2) return Math.round(old * 10 ** (prng.below(19) - 4));
    return NUMBERS[prng.below(NUMBERS.length)]! * (prng.below(6) === 0 ? -1 : 1);
  }
  if (typeof old === 'string')
    return prng.below(2) === 0 ? old.slice(prng.below(old.length + 1)) : `${old}\u0007\u202e`;
  if (Array.isArray(old)) return resized(old, prng);
  return prng.below(2) === 0 ? null : NUMBERS[prng.below(NUMBERS.length)];
}

function resized(old: readonly unknown[], prng: Prng): unknown[] {
  if (old.length === 0 || prng.below(2) === 0) return old.slice(0, prng.below(old.length + 1));
  const count = 1 + prng.below(old.length > 20 ? 4 : 200);
  return Array.from({ length: count }, () => old).flat();
}

/** All fields below a value, except what says which kind of line it is. */
function collect(value: object, places: Holder[]): void {
  for (const key of Object.keys(value)) {
    const holder = value as Record<string, unknown>;
    if (key !== 'record' && key !== 'format') places.push({ holder, key });
    const inner = holder[key];
    if (inner !== null && typeof inner === 'object') collect(inner, places);
  }
}
