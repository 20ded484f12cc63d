// Goal: a command starts without what only others need. Method: the registry's names, and the static imports of modules.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { COMMANDS, commandsFor, loadAll } from './registry.ts';

const source = join(import.meta.dirname, '..');

/** All that a module imports before its first line runs: our files relative to src/, and packages by name. */
function staticImports(entry: string): Set<string> {
  const found = new Set<string>();
  const open = [join(source, entry)];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const name = relative(source, path);
    if (found.has(name)) continue;
    found.add(name);
    const code = readFileSync(path, 'utf8');
    for (const match of code.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from\s+'([^']+)';/gm)) {
      const specifier = match[1]!;
      if (!specifier.startsWith('.')) found.add(specifier);
      else if (specifier.endsWith('.ts')) open.push(join(dirname(path), specifier));
    }
  }
  return found;
}

test('names are those of the commands', async () => {
  const commands = await loadAll();
  assert.deepEqual(
    commands.map(({ usage }) => usage.split(' ')[0]),
    COMMANDS.map(({ name }) => name),
  );
});

test('a command line loads the command it names, all for help, none for the version', async () => {
  const namesFor = async (...argv: string[]) =>
    (await commandsFor(argv)).map(({ usage }) => usage.split(' ')[0]);
  const all = COMMANDS.map(({ name }) => name);
  assert.deepEqual(await namesFor('load', 'http://127.0.0.1/'), ['load']);
  assert.deepEqual(await namesFor('--help'), all);
  assert.deepEqual(await namesFor('help', 'load'), all);
  assert.deepEqual(await namesFor('laod'), all);
  assert.deepEqual(await namesFor(), all);
  assert.deepEqual(await namesFor('--version'), []);
});

test('the program imports no command until it is asked for one', () => {
  const names = [...staticImports('cli/main.ts')];
  assert.ok(names.includes('cli/registry.ts'));
  assert.deepEqual(
    names.filter((name) => name.startsWith('cli/commands/')),
    [],
  );
});

test('a plain load starts without observer, servers, other reports and schemas', () => {
  const names = [...staticImports('cli/commands/load.ts')];
  assert.ok(names.includes('drive/drive.ts') && names.includes('diagnose/diagnose.ts'));
  const unwanted =
    /^(observe|serve|lab|fleet|loop)\/|^report\/(html|terminal|json|csv|hgrm|hdr-log)\/|^plan\/scenario\//;
  assert.deepEqual(
    names.filter((name) => unwanted.test(name)),
    [],
  );
  for (const name of ['valibot', 'uplot', 'hdr-histogram-js', 'node:http', 'node:child_process']) {
    assert.ok(!names.includes(name), name);
  }
});

test('a load thread starts without what the main thread does', () => {
  const names = [...staticImports('drive/thread/load-thread.ts')];
  assert.ok(names.includes('loop/ring-loop.ts'));
  assert.deepEqual(
    names.filter((name) => /^(observe|serve|diagnose|report|cli)\//.test(name)),
    [],
  );
});
