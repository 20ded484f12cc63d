/** How --help is laid out: one line an option where the terminal is wide enough, defaults as they would be typed. */
import type { Command, HelpConfiguration, Option } from 'commander';

const COLUMNS_MAX = 110;
/** What a pipe gets: wide enough for one line an option. */
const COLUMNS_PIPED = 110;

/** Applies to a command; subcommands need it too. */
export function layOutHelp(command: Command): void {
  const config: HelpConfiguration = {
    helpWidth: Math.min(COLUMNS_MAX, process.stdout.columns ?? COLUMNS_PIPED),
    optionDescription,
  };
  command.configureHelp(config);
  command.helpOption('-h, --help', 'show help');
}

function optionDescription(option: Option): string {
  const notes: string[] = [];
  if (option.argChoices) notes.push(option.argChoices.join(', '));
  const { defaultValue } = option;
  // That a flag is off and a list is empty when nobody says otherwise goes without saying.
  const silent =
    defaultValue === undefined || typeof defaultValue === 'boolean' || Array.isArray(defaultValue);
  if (!silent) notes.push(`default: ${option.defaultValueDescription ?? plain(defaultValue)}`);
  return notes.length > 0 ? `${option.description} (${notes.join('; ')})` : option.description;
}

/** Text with a line break in it would break the table. */
function plain(value: unknown): string {
  const text = String(value);
  return /[^ -~]/.test(text) ? JSON.stringify(text) : text;
}
