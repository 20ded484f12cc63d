import type { CliCommand } from './command.ts';
import { compareCommand } from './commands/compare.ts';
import { doctorCommand } from './commands/doctor.ts';
import { labCommand } from './commands/lab.ts';
import { loadCommand } from './commands/load.ts';
import { reportCommand } from './commands/report.ts';
import { serveCommand } from './commands/serve.ts';
import { watchCommand } from './commands/watch.ts';

/** Every subcommand, in the order of the help text. */
export const COMMANDS: CliCommand[] = [
  doctorCommand,
  loadCommand,
  watchCommand,
  reportCommand,
  compareCommand,
  serveCommand,
  labCommand,
];
