import { EXIT, type ExitCode } from '../../base/errors.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import { load } from '../../doctor.ts';
import type { Run } from '../../record/run.ts';
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
      exit(interrupt.exitStatus() ?? exitStatusOfLoad(run, diagnosis));
    });
  },
} satisfies CliCommand;

/** A slow server is what load is there to show, not a failure of the command; no good reply at all is one. */
function exitStatusOfLoad(run: Run, diagnosis: Diagnosis): ExitCode {
  if (diagnosis.self.verdict === 'VOID') return EXIT.void;
  if (run.load?.stoppedEarly === 'target vanished') return EXIT.unreachable;
  return (run.load?.counts.ok ?? 0) > 0 ? EXIT.ok : EXIT.failed;
}
