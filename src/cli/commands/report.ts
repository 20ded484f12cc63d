import { EXIT } from '../../base/errors.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import { judgeThresholds } from '../../diagnose/thresholds/judge-thresholds.ts';
import { parseThresholds } from '../../diagnose/thresholds/parse-thresholds.ts';
import { readRunFile } from '../../record/run-file.ts';
import type { CliCommand } from '../command.ts';
import {
  addExportOptions,
  addOutputOptions,
  addStackOptions,
  addThresholdOptions,
  type OutputFlags,
  type ThresholdFlags,
} from '../options.ts';
import { checkOutputFlags, present } from '../present.ts';

export const reportCommand = {
  usage: 'report <run-file>',
  summary: 'show a stored run again: on the terminal, as --json, or in a file',
  configure(command, exit) {
    addThresholdOptions(command);
    addOutputOptions(command);
    addStackOptions(command);
    addExportOptions(command);
    command.action(async (path: string, flags: OutputFlags & ThresholdFlags) => {
      checkOutputFlags(flags);
      const thresholds = parseThresholds(flags.failIf);
      const run = readRunFile(path);
      const diagnosis = diagnose(run);
      const judged = judgeThresholds(run, thresholds, diagnosis.self.checks);
      await present(run, diagnosis, flags, { thresholds: judged, readFrom: path });
      exit(judged.some((result) => result.failed) ? EXIT.failed : EXIT.ok);
    });
  },
} satisfies CliCommand;
