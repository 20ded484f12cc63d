// Goal: the layout stays the architecture. Method: every import between rooms is checked against one table,
// the same as in ARCHITECTURE.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';
import { root, sourceFiles } from '../helpers/source-files.ts';

const ALL = '*';
const MAY_IMPORT: Record<string, string[] | typeof ALL> = {
  base: [],
  kernel: ['base'],
  wire: ['base'],
  plan: ['base', 'wire'],
  record: ['base'],
  loop: ['base', 'kernel', 'record'],
  drive: ['base', 'kernel', 'wire', 'plan', 'record', 'loop'],
  serve: ['base', 'kernel', 'wire', 'record', 'loop'],
  observe: ['base', 'kernel', 'record'],
  diagnose: ['base', 'record'],
  report: ['base', 'record', 'diagnose'],
  lab: ALL,
  cli: ALL,
};

/** Files directly in src/ are the library's face: they may import every room but the command line. */
const FACE = 'src';

function roomOf(path: string): string {
  const parts = relative(join(root, 'src'), path).split('/');
  return parts.length === 1 ? FACE : parts[0]!;
}

function importsOf(path: string): string[] {
  const code = readFileSync(path, 'utf8');
  return [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1]!);
}

const isTest = (path: string) => /\.(test|ktest|contract)\.ts$/.test(path) || path.includes('/testing/');

test('every import between rooms is in the table', () => {
  const wrong: string[] = [];
  for (const path of sourceFiles('src')) {
    const room = roomOf(path);
    if (room !== FACE && !(room in MAY_IMPORT))
      wrong.push(`${relative(root, path)}: no room "${room}" in the table`);
    for (const specifier of importsOf(path)) {
      if (!specifier.startsWith('.')) continue;
      const target = roomOf(normalize(join(dirname(path), specifier)));
      if (target === room || isTest(path)) continue;
      const allowed = room === FACE ? ALL : MAY_IMPORT[room];
      const ok = allowed === ALL ? target !== 'cli' : (allowed ?? []).includes(target);
      if (!ok) wrong.push(`${relative(root, path)} imports ${specifier} (${room} → ${target})`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('only the kernel room imports node:ffi', () => {
  const wrong = sourceFiles('src', 'bench', 'scripts', 'test')
    .filter((path) => importsOf(path).includes('node:ffi') && roomOf(path) !== 'kernel')
    .map((path) => relative(root, path));
  assert.deepEqual(wrong, []);
});

test('relative imports name the .ts file', () => {
  const wrong: string[] = [];
  for (const path of sourceFiles('src', 'bench', 'scripts', 'test')) {
    for (const specifier of importsOf(path)) {
      if (specifier.startsWith('.') && !/\.(ts|json)$/.test(specifier)) {
        wrong.push(`${relative(root, path)}: ${specifier}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test('ARCHITECTURE.md shows the same table', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${room}\` `));
    assert.ok(row, `no row for ${room}`);
    const cell = row.split('|').at(-2)!.trim();
    const expected =
      allowed === ALL ? 'all but `cli`' : allowed.map((name) => `\`${name}\``).join(', ') || '–';
    assert.equal(room === 'cli' ? 'all but `cli`' : cell, expected, `imports of ${room}`);
  }
});
