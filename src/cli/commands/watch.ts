import { EXIT } from '../../base/errors.ts';
import type { Ns } from '../../base/units.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import { watch } from '../../doctor.ts';
import type { CliCommand } from '../command.ts';
import { addGroup, timeOption } from '../flag-parsers.ts';
import { onInterrupt } from '../interrupt.ts';
import { DEFAULT_DURATION_NS } from '../load-options.ts';
import { addObserveOptions, addOutputOptions, type ObserveFlags, type OutputFlags } from '../options.ts';
import { checkOutputFlags, present } from '../present.ts';
import { processGone } from '../process-gone.ts';
import { showProgress } from '../show-progress.ts';

export const watchCommand = {
  usage: 'watch <process>',
  summary: 'look at the loops of a running process (pid, name or :port) without sending it anything',
  configure(command, exit) {
    addGroup(command, 'When:', [
      timeOption('-d, --duration <time>', 'how long to look', DEFAULT_DURATION_NS),
    ]);
    addObserveOptions(command);
    addOutputOptions(command);
    command.action(
      async (subject: string, flags: Omit<ObserveFlags, 'pid'> & OutputFlags & { duration: Ns }) => {
        checkOutputFlags(flags);
        using interrupt = onInterrupt();
        using progress = showProgress(flags, interrupt.signal);
        const run = await watch({
          process: subject,
          durationNs: flags.duration,
          tier: flags.tier,
          armed: flags.armed,
          ...(flags.budget !== undefined && { budgetNs: flags.budget }),
          command: process.argv.slice(2),
          signal: interrupt.signal,
          onProgress: (now) => progress.show(now),
        });
        progress[Symbol.dispose]();
        present(run, diagnose(run), flags);
        exit(interrupt.exitStatus() ?? processGone(run) ?? EXIT.ok);
      },
    );
  },
} satisfies CliCommand;
