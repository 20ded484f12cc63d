import type { CliCommand } from './command.ts';

/** A command by name; its module, and all that it needs, is loaded when the command is asked for and not before. */
export type CommandEntry = { name: string; load(): Promise<CliCommand> };

/** Every subcommand, in the order of the help text. */
export const COMMANDS: CommandEntry[] = [
  { name: 'doctor', load: async () => (await import('./commands/doctor.ts')).doctorCommand },
  { name: 'load', load: async () => (await import('./commands/load.ts')).loadCommand },
  { name: 'replay', load: async () => (await import('./commands/replay.ts')).replayCommand },
  { name: 'watch', load: async () => (await import('./commands/watch.ts')).watchCommand },
  { name: 'trace', load: async () => (await import('./commands/trace.ts')).traceCommand },
  { name: 'report', load: async () => (await import('./commands/report.ts')).reportCommand },
  { name: 'compare', load: async () => (await import('./commands/compare.ts')).compareCommand },
  { name: 'serve', load: async () => (await import('./commands/serve.ts')).serveCommand },
  { name: 'lab', load: async () => (await import('./commands/lab.ts')).labCommand },
];

/**
 * The commands that a command line can mean: the one it begins with, all of them when it is about commands in general
 * (help, a misspelt name), none when it only asks for the version.
 */
export async function commandsFor(argv: readonly string[]): Promise<CliCommand[]> {
  if (argv[0] === '--version' || argv[0] === '-V') return [];
  const named = COMMANDS.filter(({ name }) => name === argv[0]);
  return loadAll(named.length > 0 ? named : COMMANDS);
}

/** Their modules, loaded. */
export async function loadAll(entries: readonly CommandEntry[] = COMMANDS): Promise<CliCommand[]> {
  return Promise.all(entries.map((entry) => entry.load()));
}
