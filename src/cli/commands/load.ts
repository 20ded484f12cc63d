import type { Command } from 'commander';
import { LoopscopeError } from '../../base/errors.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import { judgeThresholds } from '../../diagnose/thresholds/judge-thresholds.ts';
import { parseThresholds } from '../../diagnose/thresholds/parse-thresholds.ts';
import type { Threshold } from '../../diagnose/thresholds/threshold.ts';
import { load } from '../../doctor.ts';
import type { MeasureProgress } from '../../measure.ts';
import { refuseUnknownNames } from '../check-thresholds.ts';
import type { CliCommand } from '../command.ts';
import { onInterrupt } from '../interrupt.ts';
import { addLimitOptions, addLoadOptions, type LimitFlags, type LoadFlags } from '../load-options.ts';
import {
  addExportOptions,
  addOutputOptions,
  addThresholdOptions,
  type OutputFlags,
  type ThresholdFlags,
} from '../options.ts';
import { checkOutputFlags, exitStatusOfLoad, keepingRun, present, writeSummary } from '../present.ts';
import { type ProfileFlags, settleProfile } from '../profile-client.ts';
import { typedCommand } from '../proxy/typed-command.ts';
import { settleLoad } from '../settle-load.ts';
import { showProgress } from '../show-progress.ts';

type Flags = LoadFlags & ProfileFlags & LimitFlags & ThresholdFlags & OutputFlags;

/** Where a search begins when no --rate says so. */
const LIMIT_START_PER_SEC = 1000;

export const loadCommand = {
  usage: 'load <target>',
  summary: 'drive a server (http://, tcp://, unix:/path, unix+http:/path) and judge the load itself',
  configure(command, exit) {
    addLoadOptions(command);
    addLimitOptions(command);
    addThresholdOptions(command);
    addOutputOptions(command);
    addExportOptions(command);
    command.action(async (target: string, flags: Flags, given: Command) => {
      checkOutputFlags(flags);
      const profile = settleProfile(flags);
      const thresholds = parseThresholds(flags.failIf);
      const goals = parseThresholds(flags.findLimit, '--find-limit');
      if (goals.length > 0) refuseWithLimit(flags);
      for (const goal of goals) refuseWrongWay(goal);
      const startPerSec = goals.length > 0 ? LIMIT_START_PER_SEC : null;
      const { choices, scenarioThresholds } = await settleLoad(target, flags, given, startPerSec);
      const kindNames = choices.requests?.kindNames ?? [];
      refuseUnknownNames(thresholds, kindNames);
      refuseUnknownNames(goals, kindNames, '--find-limit');
      using interrupt = onInterrupt();
      using progress = showProgress(flags, interrupt.signal, {
        closedLoop: choices.arrival === 'closed',
        requestLimit: choices.requestLimit ?? null,
      });
      const shared = {
        signal: interrupt.signal,
        ...(!progress.silent && { onProgress: (now: MeasureProgress) => progress.show(now) }),
      };
      const { run, limit } =
        goals.length > 0
          ? await (await import('../find-limit.ts')).searchLimit({
              choices,
              goals,
              flags,
              ...shared,
              clearProgress: () => progress.clear(),
            })
          : {
              run: await load({ ...choices, ...profile.choices, ...shared, command: typedCommand() }),
              limit: undefined,
            };
      progress[Symbol.dispose]();
      const diagnosis = await keepingRun(run, () => diagnose(run));
      const conditions = [...scenarioThresholds, ...thresholds];
      const judged = judgeThresholds(run, conditions, diagnosis.self.checks);
      const outcome = { thresholds: judged, ...(limit && { limit }) };
      await present(run, diagnosis, flags, outcome);
      await profile.write(flags.json);
      const failed =
        judged.some((result) => result.failed) || (limit !== undefined && limit.ratePerSec === null);
      const status = interrupt.exitStatus() ?? exitStatusOfLoad(run, diagnosis, failed);
      writeSummary(run, diagnosis, flags, status, outcome);
      exit(status);
    });
  },
} satisfies CliCommand;

/** A search chooses the rates itself. */
function refuseWithLimit(flags: LoadFlags & ProfileFlags): void {
  if (flags.requests !== undefined) {
    throw new LoopscopeError(
      'USAGE',
      '--find-limit and --requests contradict each other: the search runs for as long at each rate',
      'leave out --requests; --duration is the length of each run',
    );
  }
  if (flags.profileClient !== undefined) {
    throw new LoopscopeError(
      'USAGE',
      '--find-limit and --profile-client contradict each other: a search is many runs',
      'leave out --find-limit; --rate is the rate to look at',
    );
  }
  const other = flags.stage.length > 0 ? '--stage' : flags.arrival === 'closed' ? '--arrival closed' : null;
  if (other === null) return;
  throw new LoopscopeError(
    'USAGE',
    `--find-limit and ${other} contradict each other: the search runs at one constant rate after another`,
    `leave out ${other}; --rate says where to begin`,
  );
}

/** Written as for --fail-if: what must not be, where the search wants what must be. */
function refuseWrongWay({ text, figure, operator }: Threshold): void {
  const moreIsBetter = figure.type === 'rate' || figure.type === 'throughput';
  if (figure.type === 'self' || !(moreIsBetter ? /^<=?$/ : /^>=?$/).test(operator)) return;
  const turned = text.replace(operator, moreIsBetter ? '>' : '<');
  const what = `--find-limit '${text}' is true of every rate that is ${moreIsBetter ? 'too high' : 'high enough'}`;
  throw new LoopscopeError(
    'USAGE',
    `${what}: the search wants what must hold`,
    `try --find-limit '${turned}'`,
  );
}
