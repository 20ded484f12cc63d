/** replay without --dry-run: the log is sent, and the run judged as a load is. */
import { parseTarget } from '../../base/address.ts';
import { type ExitCode, LoopscopeError } from '../../base/errors.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import { judgeThresholds } from '../../diagnose/thresholds/judge-thresholds.ts';
import { parseThresholds } from '../../diagnose/thresholds/parse-thresholds.ts';
import { load } from '../../doctor.ts';
import type { MeasureProgress } from '../../measure.ts';
import { MAX_DURATION_NS } from '../../plan/arrivals/schedule.ts';
import type { ReplayOptions } from '../../plan/replay/replay-options.ts';
import type { Run } from '../../record/run.ts';
import { refuseUnknownChecks } from '../check-thresholds.ts';
import { type Interrupt, onInterrupt } from '../interrupt.ts';
import type { ClientFlags, ConnectionFlags } from '../load-options.ts';
import type { OutputFlags, ThresholdFlags } from '../options.ts';
import { checkOutputFlags, exitStatusOfLoad, keepingRun, present, writeSummary } from '../present.ts';
import { type ProfileFlags, settleProfile } from '../profile-client.ts';
import { typedCommand } from '../proxy/typed-command.ts';
import { settleClient, settleConnections } from '../settle-load.ts';
import { showProgress } from '../show-progress.ts';
import type { ReplayFlags } from './replay-flags.ts';

export type SendFlags = ReplayFlags &
  ProfileFlags &
  ConnectionFlags &
  ClientFlags &
  ThresholdFlags &
  OutputFlags;

/** Sends the log and prints the report; the exit status of load. */
export async function sendReplay(replay: ReplayOptions, flags: SendFlags): Promise<ExitCode | number> {
  const { target, duration } = flags;
  if (target === undefined) {
    throw new LoopscopeError(
      'USAGE',
      'replay: no --target says where the requests go',
      'add --target http://127.0.0.1:8080, or --dry-run to see what is in the log',
    );
  }
  checkOutputFlags(flags);
  const profile = settleProfile(flags);
  const thresholds = parseThresholds(flags.failIf);
  refuseUnknownChecks(thresholds);
  using interrupt = onInterrupt();
  using progress = showProgress(flags, interrupt.signal, { closedLoop: replay.pace?.kind === 'max' });
  // Without a limit of its own it lasts as long as the log.
  const shownNs = duration ?? Number.POSITIVE_INFINITY;
  const run = await loadUnless(interrupt, {
    target,
    arrival: 'closed',
    replay,
    durationNs: duration ?? MAX_DURATION_NS,
    seed: flags.seed,
    ...settleConnections(parseTarget(target), flags),
    ...settleClient(flags),
    ...profile.choices,
    command: typedCommand(),
    signal: interrupt.signal,
    ...(!progress.silent && {
      onProgress: (now: MeasureProgress) => progress.show({ ...now, durationNs: shownNs }),
    }),
  });
  progress[Symbol.dispose]();
  if (typeof run === 'number') return run;
  const diagnosis = await keepingRun(run, () => diagnose(run));
  const judged = judgeThresholds(run, thresholds, diagnosis.self.checks);
  await present(run, diagnosis, flags, { thresholds: judged });
  await profile.write(flags.json);
  const failed = judged.some((result) => result.failed);
  const status = interrupt.exitStatus() ?? exitStatusOfLoad(run, diagnosis, failed);
  writeSummary(run, diagnosis, flags, status, { thresholds: judged });
  return status;
}

/** The run; the status of the signal that came before anything was sent, when that is said. */
async function loadUnless(interrupt: Interrupt, options: Parameters<typeof load>[0]): Promise<Run | number> {
  try {
    return await load(options);
  } catch (error) {
    const status = interrupt.exitStatus();
    if (status === null || !(error instanceof LoopscopeError) || error.code !== 'NOTHING_TO_SEND')
      throw error;
    process.stderr.write(`loopscope: ${error.message}\n`);
    return status;
  }
}
