import { diagnose, exitStatusOf } from '../../diagnose/diagnose.ts';
import { load } from '../../doctor.ts';
import type { CliCommand } from '../command.ts';
import { onInterrupt } from '../interrupt.ts';
import {
  addDurationOption,
  addLoadOptions,
  addOutputOptions,
  type LoadFlags,
  type OutputFlags,
  settleArrival,
} from '../options.ts';
import { checkOutputs, present } from '../present.ts';
import { showProgress } from '../show-progress.ts';

export const loadCommand = {
  usage: 'load <target>',
  summary: 'drive a server (http://, tcp://, unix:/path, unix+http:/path) and judge the load itself',
  configure(command, exit) {
    addDurationOption(command, 10e9);
    addLoadOptions(command);
    addOutputOptions(command);
    command.action(async (target: string, flags: LoadFlags & OutputFlags) => {
      checkOutputs(flags);
      using interrupt = onInterrupt();
      using progress = showProgress(flags);
      const run = await load({
        target,
        ...settleArrival(flags, null),
        durationNs: flags.duration,
        connectionCount: flags.connections,
        threadCount: flags.threads,
        timeoutNs: flags.timeout,
        seed: flags.seed,
        backend: flags.backend,
        ...(flags.warmup !== undefined && { warmupNs: flags.warmup }),
        command: process.argv.slice(2),
        signal: interrupt.signal,
        onProgress: (now) => progress.show(now),
      });
      progress[Symbol.dispose]();
      const diagnosis = diagnose(run);
      present(run, diagnosis, flags);
      exit(interrupt.exitStatus() ?? exitStatusOf(diagnosis));
    });
  },
} satisfies CliCommand;
