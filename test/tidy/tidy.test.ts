// Goal: house rules that a machine can check. Method: read every file of the repository as text.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES, EXIT } from '../../src/base/errors.ts';
import { repositoryFiles, root, sourceFiles } from '../helpers/source-files.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Files over 400 lines, each with its reason. The list may only shrink. */
const LONG_FILES: Record<string, string> = {};

test('source files stay small enough to read', () => {
  const long = sourceFiles('src', 'bench', 'scripts')
    .filter((path) => !/\.(test|ktest|contract)\.ts$/.test(path) && !path.includes('/testing/'))
    .map((path) => ({ path: relative(root, path), lines: readFileSync(path, 'utf8').split('\n').length }))
    .filter(({ path, lines }) => lines > 450 && !(path in LONG_FILES))
    .map(({ path, lines }) => `${path}: ${lines} lines`);
  assert.deepEqual(long, []);
});

test('BPF programs stay below 200 lines', () => {
  const long = readdirSync(join(root, 'src'), { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.bpf.c'))
    .filter((path) => read(join('src', path)).split('\n').length > 201);
  assert.deepEqual(long, []);
});

test('numbers of time carry their unit', () => {
  const bare = /\b\w*(?:timeout|duration|latency|delay|elapsed|interval|budget|deadline)\??: number\b/i;
  // A count of requests that timed out, named as its outcome is.
  const allowed = ['src/record/load.ts timeout: number'];
  const wrong: string[] = [];
  for (const path of sourceFiles('src')) {
    readFileSync(path, 'utf8')
      .split('\n')
      .forEach((line, index) => {
        const name = bare.exec(line)?.[0];
        if (allowed.includes(`${relative(root, path)} ${name}`)) return;
        if (name && !/(Ns|Us|Ms|Sec|Count|Index)\??: number/.test(name)) {
          wrong.push(`${relative(root, path)}:${index + 1}: ${name}`);
        }
      });
  }
  assert.deepEqual(wrong, []);
});

test('every registry lists exactly the plugins of its folder', () => {
  for (const path of sourceFiles('src').filter((file) => file.endsWith('/registry.ts'))) {
    const folder = dirname(path);
    const imported = new Set(
      [...readFileSync(path, 'utf8').matchAll(/from '\.\/([^']+)\.ts'/g)].map(
        (match) => match[1]!.split('/')[0]!,
      ),
    );
    // A plugin is a file of the folder, or has a folder of its own with a file of the same name.
    const plugins = readdirSync(folder, { withFileTypes: true })
      .map((entry) => (entry.isDirectory() ? `${entry.name}/${entry.name}.ts` : entry.name))
      .filter((name) => name.endsWith('.ts') && !/\.(test|ktest|contract)\.ts$/.test(name))
      .filter((name) => name !== 'registry.ts' && existsSync(join(folder, name)))
      .filter((name) => /\bsatisfies\b/.test(readFileSync(join(folder, name), 'utf8')))
      .map((name) => name.replace(/\.ts$/, '').split('/')[0]!);
    for (const plugin of plugins) {
      assert.ok(
        imported.has(plugin),
        `${relative(root, folder)}/${plugin}.ts is not listed in its registry.ts`,
      );
    }
  }
});

test('every error code and exit status is documented, and nothing else', () => {
  const text = read('docs/reference/errors.md');
  const documented = [...text.matchAll(/^\| `([A-Z_]+)` \| (\d) \|/gm)].map((row) => `${row[1]} ${row[2]}`);
  const real = Object.entries(ERROR_CODES).map(([code, row]) => `${code} ${row.exit}`);
  assert.deepEqual(documented.sort(), real.sort());
  for (const status of Object.values(EXIT)) assert.match(text, new RegExp(`^\\| ${status} \\|`, 'm'));
});

test('the lock file names no registry host', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved": "[a-z]+:/);
});

test('the changelog begins with what is not yet released', () => {
  assert.match(read('CHANGELOG.md'), /^# Changelog\n[\s\S]*?\n## \[?Unreleased/);
});

test('links between documents lead somewhere', () => {
  const wrong: string[] = [];
  for (const path of repositoryFiles().filter((file) => file.endsWith('.md'))) {
    for (const match of read(path).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      const link = match[1]!;
      if (/^[a-z]+:/.test(link)) continue;
      if (!existsSync(join(root, dirname(path), link))) wrong.push(`${path}: ${link}`);
    }
  }
  assert.deepEqual(wrong, []);
});
