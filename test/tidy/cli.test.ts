// Goal: no option without documentation and no documentation without an option. Method: ask commander itself.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { declaredCommands } from '../helpers/declared-commands.ts';
import { root } from '../helpers/source-files.ts';

const commands = await declaredCommands();
const text = readFileSync(join(root, 'docs/reference/cli.md'), 'utf8');

test('every command has a section that begins with its usage', () => {
  for (const { usage } of commands) assert.ok(text.includes(`## loopscope ${usage}\n`), usage);
});

test('options and their documentation are the same set', () => {
  const real = new Set(commands.flatMap(({ command }) => command.options.map((option) => option.long!)));
  const documented = new Set(
    [...text.matchAll(/^\| `(?:-\w, )?(--[\w-]+)[^`]*` \|/gm)].map((match) => match[1]!),
  );
  for (const builtIn of ['--help', '--version']) documented.delete(builtIn);
  assert.deepEqual([...documented].sort(), [...real].sort());
});

test('every option says what it is for', () => {
  for (const { usage, command } of commands) {
    for (const option of command.options)
      assert.ok(option.description.length > 5, `${usage} ${option.flags}`);
  }
});
