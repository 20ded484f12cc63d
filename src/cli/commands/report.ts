import { EXIT } from '../../base/errors.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import { readRunFile } from '../../record/run-file.ts';
import type { CliCommand } from '../command.ts';
import { addOutputOptions, type OutputFlags } from '../options.ts';
import { checkOutputs, present } from '../present.ts';

export const reportCommand = {
  usage: 'report <run-file>',
  summary: 'show a stored run again: on the terminal, as --json or --html',
  configure(command, exit) {
    addOutputOptions(command);
    command.action((path: string, flags: OutputFlags) => {
      checkOutputs(flags);
      const run = readRunFile(path);
      present(run, diagnose(run), flags);
      exit(EXIT.ok);
    });
  },
} satisfies CliCommand;
