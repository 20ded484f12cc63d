import { statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { EXIT, LoopscopeError } from '../../base/errors.ts';
import { diagnose, exitStatusOf } from '../../diagnose/diagnose.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import { isServerGone } from '../../diagnose/hindrances.ts';
import { judgeThresholds } from '../../diagnose/thresholds/judge-thresholds.ts';
import { parseThresholds } from '../../diagnose/thresholds/parse-thresholds.ts';
import type { Threshold } from '../../diagnose/thresholds/threshold.ts';
import { DEFAULT_RATE_PER_SEC, driveAndWatch } from '../../doctor.ts';
import type { Run } from '../../record/run.ts';
import { readRunFile } from '../../record/run-file.ts';
import { refuseUnknownNames } from '../check-thresholds.ts';
import type { CliCommand } from '../command.ts';
import { addGroup, isGiven } from '../flag-parsers.ts';
import { onInterrupt } from '../interrupt.ts';
import { addLoadOptions, type LoadFlags } from '../load-options.ts';
import {
  addExportOptions,
  addObserveOptions,
  addOutputOptions,
  addStackOptions,
  addThresholdOptions,
  budgetChoices,
  type ObserveFlags,
  type OutputFlags,
  type ThresholdFlags,
} from '../options.ts';
import { checkOutputFlags, keepingRun, present, refuseExportsWithoutLoad, writeSummary } from '../present.ts';
import { processGone } from '../process-gone.ts';
import { type ProfileFlags, type ProfileTaker, settleProfile } from '../profile-client.ts';
import { typedCommand } from '../proxy/typed-command.ts';
import { settleLoad } from '../settle-load.ts';
import { showProgress } from '../show-progress.ts';

type Flags = ProfileFlags & LoadFlags & ThresholdFlags & ObserveFlags & OutputFlags;

export const doctorCommand = {
  usage: 'doctor [target]',
  summary:
    'drive a server, watch its loops, and name what makes it late; or diagnose a run file, or live traffic (--pid)',
  configure(command, exit) {
    addGroup(command, 'Watching:', [
      new Option('-p, --pid <process>', 'pid, name or :port to watch; workers are found by themselves'),
    ]);
    addObserveOptions(command);
    addLoadOptions(command, `default: ${DEFAULT_RATE_PER_SEC}`);
    addThresholdOptions(command);
    addOutputOptions(command);
    addStackOptions(command);
    addExportOptions(command);
    command.action(async (subject: string | undefined, flags: Flags, given: Command) => {
      parseThresholds(flags.failIf);
      exit(
        subject !== undefined && isFile(subject)
          ? await diagnoseFile(subject, flags, given)
          : await diagnoseLive(subject, flags, given),
      );
    });
  },
} satisfies CliCommand;

/** Headings of the options that still say something of a run that was made long ago. */
const AFTERWARDS = ['Verdict:', 'Output:'];

async function diagnoseFile(path: string, flags: Flags, given: Command): Promise<number> {
  for (const option of given.options) {
    if (AFTERWARDS.includes(option.helpGroupHeading ?? '')) continue;
    if (!isGiven(given, option.attributeName())) continue;
    throw new LoopscopeError(
      'USAGE',
      `${option.long}: ${path} is a run file, which is diagnosed as it is`,
      `leave out ${option.long}`,
    );
  }
  checkOutputFlags(flags);
  const run = readRunFile(path);
  const diagnosis = diagnose(run);
  return judgeAndPresent(run, diagnosis, flags, { readFrom: path });
}

async function diagnoseLive(target: string | undefined, flags: Flags, given: Command): Promise<number> {
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
  checkOutputFlags(flags);
  if (target === undefined) refuseExportsWithoutLoad(flags);
  const profile = settleProfile(target === undefined ? {} : flags);
  const { choices, scenarioThresholds } =
    target === undefined
      ? { choices: { durationNs: flags.duration }, scenarioThresholds: [] }
      : await settleLoad(target, flags, given, DEFAULT_RATE_PER_SEC);
  if ('requests' in choices) {
    refuseUnknownNames(parseThresholds(flags.failIf), choices.requests?.kindNames ?? []);
  }
  using interrupt = onInterrupt();
  using progress = showProgress(flags, interrupt.signal, {
    closedLoop: 'arrival' in choices && choices.arrival === 'closed',
    requestLimit: flags.requests ?? null,
  });
  const run = await driveAndWatch({
    ...choices,
    ...profile.choices,
    ...(flags.pid !== undefined && { process: flags.pid }),
    tier: flags.tier,
    armed: flags.armed,
    ...budgetChoices(flags),
    command: typedCommand(),
    signal: interrupt.signal,
    ...(!progress.silent && { onProgress: (now) => progress.show(now) }),
  });
  progress[Symbol.dispose]();
  const diagnosis = await keepingRun(run, () => diagnose(run));
  const gone = run.load && isServerGone(run.load) ? EXIT.unreachable : null;
  return judgeAndPresent(run, diagnosis, flags, {
    scenarioThresholds,
    cutShort: () => interrupt.exitStatus() ?? processGone(run) ?? gone,
    profile,
  });
}

/**
 * A threshold that failed makes a healthy verdict a failure, and leaves a VOID one what it is. `cutShort`: the status of
 * a run that did not end by itself, asked when the report is out; null when it did.
 */
async function judgeAndPresent(
  run: Run,
  diagnosis: Diagnosis,
  flags: Flags,
  {
    readFrom,
    scenarioThresholds = [],
    cutShort = () => null,
    profile = null,
  }: {
    readFrom?: string;
    scenarioThresholds?: readonly Threshold[];
    cutShort?: () => number | null;
    profile?: ProfileTaker | null;
  },
): Promise<number> {
  const conditions = [...scenarioThresholds, ...parseThresholds(flags.failIf)];
  const judged = judgeThresholds(run, conditions, diagnosis.self.checks);
  await present(run, diagnosis, flags, {
    thresholds: judged,
    ...(readFrom !== undefined && { readFrom }),
  });
  await profile?.write(flags.json);
  const verdict = exitStatusOf(diagnosis);
  const failed = verdict === EXIT.ok && judged.some((result) => result.failed);
  const status = cutShort() ?? (failed ? EXIT.failed : verdict);
  writeSummary(run, diagnosis, flags, status, { thresholds: judged });
  return status;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
