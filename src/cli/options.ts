/**
 * Options that several commands share: each is declared once, with its parser. Values are checked here, at the edge,
 * so that the rooms behind only meet numbers that make sense.
 */
import { type Command, Option } from 'commander';
import { LoopscopeError } from '../base/errors.ts';
import { type Ns, parseDurationNs } from '../base/units.ts';
import { addGroup, listOption } from './flag-parsers.ts';

export type ObserveFlags = {
  pid?: string;
  budget?: Budget;
  tier: 'auto' | 'bpf' | 'proc';
  armed: 'auto' | 'always' | 'never';
};

/** Two things have a budget: a cycle, and what the observer may take of a CPU. */
export type Budget = { cycleNs?: Ns; cpuShare?: number };

/** Files that a run can be written to, by option. */
export type ExportFlags = { hdr?: string; hgrm?: string; csv?: string; junit?: string };

export type OutputFlags = ExportFlags & {
  json: boolean;
  html?: string;
  folded?: string;
  out?: string;
  overwrite?: boolean;
  quiet: boolean;
  color: boolean;
};

/** How the observer works. */
export function addObserveOptions(command: Command): void {
  addGroup(command, 'Watching:', [
    new Option(
      '--budget <time|share>',
      'a longer cycle is a stall; 1%: what the observer may take of a CPU',
    ).argParser(parseBudget),
    new Option('--tier <name>', 'bpf sees every cycle, proc needs no root')
      .choices(['auto', 'bpf', 'proc'])
      .default('auto'),
    new Option('--armed <when>', 'when scheduler probes run')
      .choices(['auto', 'always', 'never'])
      .default('auto'),
  ]);
}

/** What the observer took at its last step down, nginx saturated (docs/decisions/a-budget-for-watching.md). */
const LEAST_CPU_SHARE = 0.0025;

/** "20ms" or "1%"; given twice, both. Throws USAGE. */
export function parseBudget(text: string, before: Budget = {}): Budget {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  if (!percent) return { ...before, cycleNs: parseDurationNs(text, '--budget') };
  const cpuShare = Number(percent[1]) / 100;
  if (cpuShare >= LEAST_CPU_SHARE) return { ...before, cpuShare };
  throw new LoopscopeError(
    'USAGE',
    `--budget: ${text.trim()} of a CPU cannot be held: to see cycles for half a second in forty takes ${LEAST_CPU_SHARE * 100} %`,
    'try --budget 1%',
  );
}

/** What the library calls them. */
export function budgetChoices({ budget }: Pick<ObserveFlags, 'budget'>) {
  return {
    ...(budget?.cycleNs !== undefined && { budgetNs: budget.cycleNs }),
    ...(budget?.cpuShare !== undefined && { cpuBudgetShare: budget.cpuShare }),
  };
}

const OUTPUT = 'Output:';

/** Where results go. `json`: what that option does. */
export function addOutputOptions(command: Command, json = 'print one JSON object on standard output'): void {
  addGroup(command, OUTPUT, [
    new Option('--json', json).default(false),
    new Option('--html <file>', 'write a self-contained HTML report'),
    new Option('-o, --out <file>', 'write the run file, to be reported on again or compared'),
    new Option('--overwrite', '--out may replace an earlier run').default(false),
    ...quietOptions(),
  ]);
}

/** Forms that hold stalls: for commands that may watch loops. */
export function addStackOptions(command: Command): void {
  addGroup(command, OUTPUT, [
    new Option('--folded <file>', 'write the stacks of stalls, in µs, for flame graphs'),
  ]);
}

/** Forms that hold latencies: for commands that may drive a load. */
export function addExportOptions(command: Command): void {
  addGroup(command, OUTPUT, [
    new Option('--hdr <file>', 'write an HdrHistogram interval log, every second'),
    new Option('--hgrm <file>', 'write response percentiles as HdrHistogram plots them'),
    new Option('--csv <file>', 'write a row a second: outcomes, percentiles, in flight'),
  ]);
}

export type ThresholdFlags = { failIf: string[] };

/** Conditions that make a run a failure. */
export function addThresholdOptions(command: Command): void {
  addGroup(command, 'Verdict:', [
    listOption('--fail-if <condition>', "exit with 1 if it is true: 'p99>20ms', 'failed>0.1%'; repeatable"),
    new Option('--junit <file>', 'write a JUnit file for CI: thresholds and self-checks'),
  ]);
}

/** For commands whose output is theirs alone. */
export function addQuietOptions(command: Command): void {
  addGroup(command, OUTPUT, quietOptions());
}

function quietOptions(): Option[] {
  return [
    new Option('-q, --quiet', 'no progress').default(false),
    new Option('--no-color', 'no colour, as with NO_COLOR'),
  ];
}

/** Colour: a terminal that wants it. https://no-color.org */
export function wantsColour(flags: Pick<OutputFlags, 'color'>): boolean {
  return flags.color && process.stdout.isTTY === true && !process.env.NO_COLOR;
}
