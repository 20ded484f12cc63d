import { statSync } from 'node:fs';
import { LoopscopeError } from '../../base/errors.ts';
import { diagnose, exitStatusOf } from '../../diagnose/diagnose.ts';
import { DEFAULT_RATE_PER_SEC, doctor } from '../../doctor.ts';
import { readRunFile } from '../../record/run-file.ts';
import type { CliCommand } from '../command.ts';
import { onInterrupt } from '../interrupt.ts';
import {
  addDurationOption,
  addLoadOptions,
  addObserveOptions,
  addOutputOptions,
  type LoadFlags,
  type ObserveFlags,
  type OutputFlags,
  settleArrival,
} from '../options.ts';
import { checkOutputs, present } from '../present.ts';
import { processGone } from '../process-gone.ts';
import { showProgress } from '../show-progress.ts';

type Flags = LoadFlags & ObserveFlags & OutputFlags;

export const doctorCommand = {
  usage: 'doctor [target]',
  summary:
    'drive a server, watch its loops, and name what makes it late; or diagnose a run file, or live traffic (--pid)',
  configure(command, exit) {
    command.option('-p, --pid <process>', 'pid, name or :port to watch; workers are found by themselves');
    addDurationOption(command, 10e9);
    addLoadOptions(command);
    addObserveOptions(command);
    addOutputOptions(command);
    command.action(async (subject: string | undefined, flags: Flags) => {
      exit(
        subject !== undefined && isFile(subject)
          ? diagnoseFile(subject, flags)
          : await diagnoseLive(subject, flags),
      );
    });
  },
} satisfies CliCommand;

function diagnoseFile(path: string, flags: Flags): number {
  if (flags.pid !== undefined) {
    throw new LoopscopeError(
      'USAGE',
      `--pid: ${path} is a run file, which is diagnosed as it is`,
      'leave out --pid',
    );
  }
  checkOutputs(flags);
  const run = readRunFile(path);
  const diagnosis = diagnose(run);
  present(run, diagnosis, flags);
  return exitStatusOf(diagnosis);
}

async function diagnoseLive(target: string | undefined, flags: Flags): Promise<number> {
  if (target === undefined && flags.pid === undefined) {
    throw new LoopscopeError(
      'USAGE',
      'nothing to examine',
      'give a target, --pid PROCESS, both, or a run file',
    );
  }
  if (target !== undefined && !/^[a-z+]+:/.test(target)) {
    throw new LoopscopeError(
      'FILE_UNREADABLE',
      `${target} is neither a target nor a file that can be read`,
      `a target looks like http://127.0.0.1:8080/; a process to watch goes with --pid ${target}`,
    );
  }
  checkOutputs(flags);
  using interrupt = onInterrupt();
  using progress = showProgress(flags);
  const { run, diagnosis } = await doctor({
    ...(target !== undefined && { target, ...settleArrival(flags, DEFAULT_RATE_PER_SEC) }),
    ...(flags.pid !== undefined && { process: flags.pid }),
    durationNs: flags.duration,
    connectionCount: flags.connections,
    threadCount: flags.threads,
    timeoutNs: flags.timeout,
    seed: flags.seed,
    backend: flags.backend,
    tier: flags.tier,
    armed: flags.armed,
    ...(flags.warmup !== undefined && { warmupNs: flags.warmup }),
    ...(flags.budget !== undefined && { budgetNs: flags.budget }),
    command: process.argv.slice(2),
    signal: interrupt.signal,
    onProgress: (now) => progress.show(now),
  });
  progress[Symbol.dispose]();
  present(run, diagnosis, flags);
  return interrupt.exitStatus() ?? processGone(run) ?? exitStatusOf(diagnosis);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
