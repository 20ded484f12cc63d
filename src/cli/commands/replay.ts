import { Option } from 'commander';
import type { CliCommand } from '../command.ts';
import { addGroup } from '../flag-parsers.ts';
import { addClientOptions, addConnectionOptions } from '../load-options.ts';
import { addExportOptions, addOutputOptions, addThresholdOptions } from '../options.ts';
import { dryRun, refuseWithoutRun } from '../replay/dry-run.ts';
import { addReplayOptions, settleReplay } from '../replay/replay-flags.ts';
import { type SendFlags, sendReplay } from '../replay/send.ts';

type Flags = SendFlags & { dryRun: boolean };

export const replayCommand = {
  usage: 'replay <logs...>',
  summary: 'send what access logs recorded, at its own times; - is standard input',
  configure(command, exit) {
    addGroup(command, 'Target:', [
      new Option('--target <url>', 'where it is sent: http://host:port, unix+http:/path'),
      new Option('--dry-run', 'send nothing; tell what is in the logs and how long it would take').default(
        false,
      ),
    ]);
    addReplayOptions(command);
    addConnectionOptions(command);
    addClientOptions(command);
    addThresholdOptions(command);
    addOutputOptions(command);
    addExportOptions(command);
    command.action(async (files: string[], flags: Flags) => {
      if (flags.dryRun) refuseWithoutRun(flags);
      const options = settleReplay(files, flags);
      exit(flags.dryRun ? await dryRun(options, flags) : await sendReplay(options, flags));
    });
  },
} satisfies CliCommand;
