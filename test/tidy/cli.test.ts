// Goal: no option without documentation and no documentation without an option. Method: ask commander itself.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { loadAll } from '../../src/cli/registry.ts';
import { root } from '../helpers/source-files.ts';

const commands = await loadAll();
const text = readFileSync(join(root, 'docs/reference/cli.md'), 'utf8');

function optionsOf(name: string): string[] {
  const declared = commands.find((command) => command.usage.split(' ')[0] === name)!;
  const command = new Command(name);
  declared.configure(command, () => {});
  return command.options.map((option) => option.long!);
}

test('every command has a section that begins with its usage', () => {
  for (const command of commands) assert.ok(text.includes(`## loopscope ${command.usage}\n`), command.usage);
});

test('options and their documentation are the same set', () => {
  const real = new Set(commands.flatMap((command) => optionsOf(command.usage.split(' ')[0]!)));
  const documented = new Set(
    [...text.matchAll(/^\| `(?:-\w, )?(--[\w-]+)[^`]*` \|/gm)].map((match) => match[1]!),
  );
  for (const builtIn of ['--help', '--version']) documented.delete(builtIn);
  assert.deepEqual([...documented].sort(), [...real].sort());
});

test('every option says what it is for', () => {
  for (const declared of commands) {
    const command = new Command('x');
    declared.configure(command, () => {});
    for (const option of command.options)
      assert.ok(option.description.length > 5, `${declared.usage} ${option.flags}`);
  }
});
