import { type Command, Option } from 'commander';
import { LoopscopeError } from '../../base/errors.ts';
import { nearMiss } from '../../base/input/near-miss.ts';
import type { Ns } from '../../base/units.ts';
import type { Experiment, LabOption } from '../../lab/experiment.ts';
import { EXPERIMENTS } from '../../lab/registry.ts';
import { ACCEPT_STRATEGIES } from '../../serve/accept/registry.ts';
import type { CliCommand } from '../command.ts';
import { addGroup, isGiven, timeOption } from '../flag-parsers.ts';
import { onInterrupt } from '../interrupt.ts';
import { addQuietOptions, type OutputFlags, wantsColour } from '../options.ts';
import { showProgress } from '../show-progress.ts';
import { showStatus } from '../show-status.ts';

type Flags = Pick<OutputFlags, 'html' | 'quiet' | 'color' | 'json'> & {
  duration?: Ns;
  quick: boolean;
  accept: string[];
};

export const labCommand = {
  usage: 'lab [name]',
  summary: 'replay an incident on this machine; without a name, list them',
  configure(command, exit) {
    addGroup(command, 'When:', [
      timeOption('-d, --duration <time>', 'length of an experiment with a planted fault'),
      new Option('--quick', 'herd, batching: with less of everything, in half a minute').default(false),
      new Option('--accept <strategy...>', 'herd: only these').choices(
        ACCEPT_STRATEGIES.map(({ name }) => name),
      ),
    ]);
    addGroup(command, 'Output:', [
      new Option('--html <file>', 'where to write the HTML report'),
      new Option('--json', 'herd, batching: one JSON object').default(false),
    ]);
    addQuietOptions(command);
    command.action(async (name: string | undefined, flags: Flags) => {
      if (name === undefined) return list();
      const experiment = EXPERIMENTS.find((candidate) => candidate.name === name);
      if (!experiment) {
        const near = nearMiss(
          name,
          EXPERIMENTS.map((candidate) => candidate.name),
        );
        const hint = near === null ? 'loopscope lab lists them' : `did you mean ${near}?`;
        throw new LoopscopeError('USAGE', `no experiment is called "${name}"`, hint);
      }
      refuseIdleOptions(experiment, command);
      using interrupt = onInterrupt();
      using progress = showProgress(flags, interrupt.signal);
      using status = showStatus({ quiet: flags.quiet || flags.json });
      exit(
        await experiment.run({
          program: [process.execPath, ...process.execArgv, process.argv[1]!],
          print: (line) => process.stdout.write(`${line}\n`),
          showProgress: (now) => progress.show(now),
          endProgress: () => {
            progress[Symbol.dispose]();
            status[Symbol.dispose]();
          },
          status: (text) => status.show(text),
          quick: flags.quick,
          json: flags.json,
          accept: flags.accept ?? [],
          colour: wantsColour(flags),
          columns: process.stdout.columns ?? null,
          ...(flags.html !== undefined && { htmlPath: flags.html }),
          ...(flags.duration !== undefined && { durationNs: flags.duration }),
          signal: interrupt.signal,
        }),
      );
    });
  },
} satisfies CliCommand;

const OPTIONS: readonly LabOption[] = ['duration', 'quick', 'accept', 'json'];

/** An option that changes nothing is a misunderstanding. */
function refuseIdleOptions({ name, takes }: Experiment, command: Command): void {
  const idle = OPTIONS.find((option) => !takes.includes(option) && isGiven(command, option));
  if (idle === undefined) return;
  const hint =
    takes.length > 0 ? `it takes ${takes.map((option) => `--${option}`).join(', ')}` : 'leave it out';
  throw new LoopscopeError('USAGE', `lab ${name} does not take --${idle}`, hint);
}

function list(): void {
  const width = Math.max(...EXPERIMENTS.map(({ name }) => name.length));
  for (const { name, summary } of EXPERIMENTS) process.stdout.write(`  ${name.padEnd(width)}  ${summary}\n`);
  process.stdout.write('\nRun one with: loopscope lab NAME\n');
}
