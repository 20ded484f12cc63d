// Goal: every option of every command is documented with an example. Method: the command lines of docs/reference/cli.md are
// compared with what the commands declare; cli-examples.full.test.ts of test/e2e runs them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CSV_COLUMNS } from '../../src/report/csv/csv.ts';
import { examples, wordsOf } from '../helpers/cli-examples.ts';
import { type Declared, declaredCommands } from '../helpers/declared-commands.ts';
import { root } from '../helpers/source-files.ts';

const commands = await declaredCommands();

/** The command of an example: the one within another before that other. */
function commandOf(line: string): Declared {
  const [, first, second] = wordsOf(line);
  const named = (name: string) => commands.find((command) => command.name === name);
  const found = named(`${first} ${second}`) ?? named(first!);
  assert.ok(found, `there is no command ${first}`);
  return found;
}

/** Long names of the options that an example uses; throws on one that does not exist. */
function optionsUsed(line: string): string[] {
  const { name, command } = commandOf(line);
  return wordsOf(line)
    .filter((word) => /^-{1,2}[a-zA-Z]/.test(word))
    .map((word) => {
      const option = command.options.find(({ long, short }) => long === word || short === word);
      assert.ok(option, `${word} is no option of ${name}: ${line}`);
      return option.long!;
    });
}

test('examples use only options that exist', () => {
  assert.ok(examples.length > 30, `${examples.length} examples`);
  for (const line of examples) optionsUsed(line);
});

test('every option of every command has an example', () => {
  const missing: string[] = [];
  for (const { name, command } of commands) {
    const used = new Set(examples.filter((line) => commandOf(line).name === name).flatMap(optionsUsed));
    for (const { long } of command.options) if (!used.has(long!)) missing.push(`${name} ${long}`);
  }
  assert.deepEqual(missing, []);
});

test('exports.md lists the columns of the CSV in their order', () => {
  const reference = readFileSync(join(root, 'docs/reference/exports.md'), 'utf8');
  const table = reference.slice(reference.indexOf('| column | unit |'));
  const documented = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]!);
  assert.deepEqual(
    documented,
    CSV_COLUMNS.map(({ name }) => name),
  );
});
