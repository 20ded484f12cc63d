import type { Command } from 'commander';

/** A subcommand: its usage line, one sentence of help, and the options and action it adds. */
export type CliCommand = {
  /** As commander reads it: "doctor [target]". */
  usage: string;
  summary: string;
  /** Adds options and the action; the action reports its exit status through `exit`. */
  configure(command: Command, exit: (status: number) => void): void;
};
