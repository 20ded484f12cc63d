// Goal: --help can be read: one line an option, defaults as they would be typed, nothing that goes without saying.
// Method: the help text of the commands themselves, as a pipe gets it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command, Option } from 'commander';
import { typedDuration } from '../base/units.ts';
import { doctorCommand } from './commands/doctor.ts';
import { loadCommand } from './commands/load.ts';
import { watchCommand } from './commands/watch.ts';
import { timeOption } from './flag-parsers.ts';
import { layOutHelp } from './help.ts';
import { addLimitOptions, addLoadOptions } from './load-options.ts';
import { addExportOptions, addObserveOptions, addOutputOptions, addThresholdOptions } from './options.ts';

function helpOf(configure: (command: Command) => void): string {
  const command = new Command('load').argument('<target>');
  layOutHelp(command);
  command.configureHelp({ ...command.configureHelp(), helpWidth: 110 });
  configure(command);
  return command.helpInformation();
}

const everything = helpOf((command) => {
  for (const add of [addLoadOptions, addLimitOptions, addObserveOptions, addThresholdOptions]) add(command);
  addOutputOptions(command);
  addExportOptions(command);
});

test('every option takes one line', () => {
  const continued = everything.split('\n').filter((line) => /^ {12,}\S/.test(line));
  assert.deepEqual(continued, []);
  for (const line of everything.split('\n')) assert.ok(line.length <= 110, line);
});

test('options stand under headings', () => {
  const headings = [...everything.matchAll(/^(\w+):$/gm)].map((match) => match[1]);
  assert.deepEqual(headings, [
    'When',
    'What',
    'Connections',
    'Client',
    'Verdict',
    'Watching',
    'Output',
    'Options',
  ]);
});

test('defaults are shown as they would be typed, and only where they say something', () => {
  assert.match(everything, /--duration <time> .*\(default: 10s\)/);
  assert.match(everything, /--timeout <time> .*\(default: 2s\)/);
  assert.doesNotMatch(everything, /default: (false|true|\[\]|none|\d{4,})/);
  assert.match(everything, /--tier <name> .*\(auto, bpf, proc; default: auto\)/);
  const odd = helpOf((command) => command.addOption(new Option('--end <text>', 'ends').default('a\n')));
  assert.match(odd, /\(default: "a\\n"\)/);
});

test('durations as typed read back to what they were', () => {
  for (const ns of [1, 1500, 250e6, 1e9, 1.5e9, 90e9, 3600e9]) {
    assert.equal(timeOption('--x <time>', '').parseArg!(typedDuration(ns), undefined), ns, typedDuration(ns));
  }
});

test('the same option tells what it does in each command', () => {
  const helps = [doctorCommand, loadCommand, watchCommand].map((each) =>
    helpOf((command) => each.configure(command, () => {})),
  );
  const line = (index: number, option: string) =>
    helps[index]!.split('\n').find((text) => text.includes(option));
  assert.match(line(0, '--rate ')!, /default: 1000/);
  assert.match(line(1, '--rate ')!, /without it the loop is closed/);
  assert.match(line(0, '--json ')!, /one JSON object/);
  assert.match(line(2, '--json ')!, /one a line/);
});
