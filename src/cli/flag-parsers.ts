/** What commander calls on the words of the command line, and how a default is shown: as it would be typed. */
import { type Command, Option } from 'commander';
import { formatCount, parseCount, parseDurationNs, parseRatePerSec, typedDuration } from '../base/units.ts';

/** "--timeout <time>" → "--timeout". */
function longName(flags: string): string {
  return /--[\w-]+/.exec(flags)![0];
}

/** A time; `defaultNs` is shown as it would be typed. */
export function timeOption(flags: string, summary: string, defaultNs?: number): Option {
  const option = new Option(flags, summary).argParser((text: string) =>
    parseDurationNs(text, longName(flags)),
  );
  return defaultNs === undefined ? option : option.default(defaultNs, typedDuration(defaultNs));
}

/** A number a second: 2000, 50k, 30/m. */
export function rateOption(flags: string, summary: string): Option {
  return new Option(flags, summary).argParser((text: string) => parseRatePerSec(text, longName(flags)));
}

/** A whole number within bounds. */
export function countOption(
  flags: string,
  summary: string,
  { min, max, initial }: { min: number; max: number; initial?: number },
): Option {
  const option = new Option(flags, summary).argParser((text: string) =>
    parseCount(text, longName(flags), min, max),
  );
  return initial === undefined
    ? option
    : option.default(initial, formatCount(initial).replace(' ', '').toLowerCase());
}

/** An option that may be given several times; each time it takes one word. */
export function listOption(flags: string, summary: string): Option {
  const collect = (text: string, before: string[]) => [...before, text];
  return new Option(flags, summary).argParser<string[]>(collect).default([]);
}

/** Options of one heading in --help. */
export function addGroup(command: Command, heading: string, options: readonly Option[]): void {
  for (const option of options) command.addOption(option.helpGroup(heading));
}

/** Typed by the user, not a default. `option`: its camel-cased name. */
export function isGiven(command: Command, option: string): boolean {
  return command.getOptionValueSource(option) === 'cli';
}
