import { Option } from 'commander';
import { LoopscopeError } from '../../base/errors.ts';
import type { CliCommand } from '../command.ts';
import { addGroup } from '../flag-parsers.ts';
import { addQuietOptions, type OutputFlags } from '../options.ts';
import { dryRun } from '../replay/dry-run.ts';
import { addReplayOptions, type ReplayFlags, settleReplay } from '../replay/replay-flags.ts';

type Flags = ReplayFlags & Pick<OutputFlags, 'json' | 'quiet' | 'color'> & { dryRun: boolean };

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
    addGroup(command, 'Output:', [
      new Option('--json', 'print one JSON object on standard output').default(false),
    ]);
    addQuietOptions(command);
    command.action(async (files: string[], flags: Flags) => {
      const options = settleReplay(files, flags);
      if (flags.dryRun) {
        exit(await dryRun(options, flags));
        return;
      }
      throw new LoopscopeError('USAGE', 'nothing is sent yet', 'add --dry-run');
    });
  },
} satisfies CliCommand;
