// Goal: the layout stays the architecture. Method: every import between rooms is checked against one table,
// the same as in ARCHITECTURE.md.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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

/**
 * Rooms with inner rooms, and what each of those may import of its own room; '.' is the room's face, the files directly
 * in it, which may import all of them.
 */
const INNER: Record<string, Record<string, string[]>> = {
  observe: {
    probes: [],
    loops: ['probes'],
    stalls: ['probes'],
    windows: ['probes'],
    host: [],
    cost: [],
    tiers: ['probes', 'loops', 'stalls', 'windows', 'host', 'cost'],
    trace: ['probes', 'cost'],
  },
  drive: {
    tally: [],
    around: [],
    profile: [],
    lists: [],
    supply: ['tally', 'lists'],
    hindrances: ['tally'],
    flight: ['tally', 'lists', 'hindrances'],
    pace: ['lists', 'flight'],
    replay: ['tally', 'lists', 'flight', 'pace'],
    thread: ['tally', 'lists', 'supply', 'hindrances', 'flight', 'pace', 'replay', 'profile'],
  },
  wire: {
    parsing: ['.'],
    echo: ['.', 'parsing'],
    frame: ['.', 'parsing'],
    http1: ['.', 'parsing'],
    line: ['.', 'parsing'],
    resp: ['.', 'parsing'],
    custom: ['.', 'parsing'],
  },
  plan: { arrivals: ['.'], requests: ['.'], scenario: ['.', 'requests'], replay: ['.', 'requests'] },
};

/**
 * How many files, tests apart, a folder may have, and those that still have more; the list may only shrink. Folders with
 * a registry hold a file a plugin, however many.
 */
const FOLDER_LIMIT = 16;
const CROWDED: Record<string, number> = {
  'src/cli': 19,
  'src/diagnose/facts': 24,
  'src/kernel': 19,
  'src/kernel/proc': 17,
};

/** The grammars of mangled names are recursive: a type holds names, and a name holds types. */
const MAY_CIRCLE = 'src/kernel/symbols/demangle/';

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

test('inner rooms import only what their table allows', () => {
  const wrong: string[] = [];
  for (const [room, rooms] of Object.entries(INNER)) {
    const base = join(root, 'src', room);
    const innerOf = (path: string) => {
      const parts = relative(base, path).split('/');
      return parts.length === 1 ? '.' : parts[0]!;
    };
    for (const path of sourceFiles(`src/${room}`)) {
      const from = innerOf(path);
      if (from === '.' || from === 'testing' || isTest(path)) continue;
      if (!(from in rooms)) wrong.push(`${relative(root, path)}: no inner room "${from}" in the table`);
      for (const specifier of importsOf(path)) {
        const target = normalize(join(dirname(path), specifier));
        if (!specifier.startsWith('.') || roomOf(target) !== room) continue;
        const to = innerOf(target);
        if (to !== from && !rooms[from]?.includes(to)) {
          wrong.push(`${relative(root, path)} imports ${specifier} (${room}: ${from} → ${to})`);
        }
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test('folders stay small enough to find a file in', () => {
  const sizes = new Map<string, number>();
  for (const path of sourceFiles('src')) {
    if (!isTest(path) && !existsSync(join(dirname(path), 'registry.ts')))
      sizes.set(dirname(path), (sizes.get(dirname(path)) ?? 0) + 1);
  }
  const crowded = [...sizes]
    .map(([folder, count]) => ({ folder: relative(root, folder), count }))
    .filter(({ folder, count }) => count > (CROWDED[folder] ?? FOLDER_LIMIT))
    .map(({ folder, count }) => `${folder}: ${count} files`);
  assert.deepEqual(crowded, []);
});

test('no file imports itself by way of others', () => {
  const imports = new Map(
    sourceFiles('src').map((path) => [
      path,
      importsOf(path)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => normalize(join(dirname(path), specifier))),
    ]),
  );
  const found = circles(imports)
    .map((circle) => circle.map((path) => relative(root, path)).sort())
    .filter((circle) => !circle.every((path) => path.startsWith(MAY_CIRCLE)));
  assert.deepEqual(found, []);
});

test('circles are found, of two files and of three', () => {
  const of = (edges: Record<string, string[]>) => circles(new Map(Object.entries(edges)));
  assert.deepEqual(of({ a: ['b'], b: ['c'], c: [] }), []);
  assert.deepEqual(
    of({ a: ['b'], b: ['a', 'c'], c: [] }).map((circle) => circle.sort()),
    [['a', 'b']],
  );
  assert.deepEqual(
    of({ a: ['b'], b: ['c'], c: ['a'] }).map((circle) => circle.length),
    [3],
  );
});

/** Headers of a BPF object by place: a folder, or a file directly in `base`; each with the places whose names it uses. */
function headerPlaces(base: string): Map<string, string[]> {
  const headers = readdirSync(base, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.bpf.h'));
  const placeOf = (path: string) => path.split('/')[0]!;
  const code = new Map(
    headers.map((path) => [path, readFileSync(join(base, path), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')]),
  );
  const DEFINED =
    /^static \w+ [^(;=]*?(\w+)\([^;{]*\)\n\{|^#define (\w+)|^(?:struct|enum) (\w+) \{|^\} (\w+) SEC/gm;
  const definedIn = new Map<string, string>();
  for (const [path, text] of code) {
    for (const match of text.matchAll(DEFINED)) definedIn.set(match.slice(1).find(Boolean)!, placeOf(path));
  }
  const uses = new Map<string, string[]>();
  for (const [path, text] of code) {
    const place = placeOf(path);
    const used = (text.match(/\w+/g) ?? [])
      .map((word) => definedIn.get(word))
      .filter((each) => each !== undefined);
    uses.set(
      place,
      [...new Set([...(uses.get(place) ?? []), ...used])].filter((each) => each !== place),
    );
  }
  return uses;
}

test('folders of probes use each other in one direction', () => {
  const places = headerPlaces(join(root, 'src/observe/probes'));
  assert.deepEqual(places.get('cycle')!.includes('stacks'), true, 'the test sees what a header uses');
  assert.deepEqual(circles(places), []);
});

/** Strongly connected components of more than one file (Tarjan, 1972). */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): void => {
    index.set(path, index.size);
    low.set(path, index.get(path)!);
    open.push(path);
    for (const next of imports.get(path) ?? []) {
      if (!imports.has(next)) continue;
      if (!index.has(next)) visit(next);
      else if (!open.includes(next)) continue;
      low.set(path, Math.min(low.get(path)!, low.get(next)!));
    }
    if (low.get(path) !== index.get(path)) return;
    const circle = open.splice(open.indexOf(path));
    if (circle.length > 1) found.push(circle);
  };
  for (const path of imports.keys()) if (!index.has(path)) visit(path);
  return found;
}

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
