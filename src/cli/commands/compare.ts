import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { EXIT, LoopscopeError } from '../../base/errors.ts';
import { formatCount, formatNs } from '../../base/units.ts';
import { basisOf, compareRuns, EARLIER_MIN, isWorse } from '../../diagnose/compare/compare-runs.ts';
import type { ChangeVerdict, ComparedFigure, Comparison } from '../../diagnose/compare/comparison.ts';
import { readRunFile } from '../../record/run-file.ts';
import { type Ink, Paper } from '../../report/text/paper.ts';
import { plural } from '../../report/text/phrases.ts';
import { writeTable } from '../../report/text/table.ts';
import type { CliCommand } from '../command.ts';
import { wantsColour } from '../options.ts';

type CompareFlags = { json: boolean; color: boolean; failIfWorse?: number };

const RUN_FILE = /\.loopscope$/;

/** Run files a side; more are read a minute long and tell no more. */
const RUNS_MAX = 100;

export const compareCommand = {
  usage: 'compare <runs...>',
  summary: 'tell whether one group of stored runs differs from another: A B, or A1 A2 … -- B1 B2 …',
  configure(command, exit) {
    addCompareOptions(command);
    command.action((operands: string[], flags: CompareFlags) => {
      const [a, b] = sidesOf(operands, process.argv.slice(2));
      refuseShared(a, b);
      if (flags.failIfWorse !== undefined && basisOf(a.length, b.length) === 'within-run') {
        throw new LoopscopeError(
          'USAGE',
          `--fail-if-worse: needs at least 2 runs a side, or one against ${EARLIER_MIN}, because one run does not show ` +
            'how much runs differ',
          'loopscope compare --fail-if-worse 5% A1 A2 A3 -- B',
        );
      }
      const comparison = compareRuns(
        a.map((path) => readRunFile(path)),
        b.map((path) => readRunFile(path)),
        { minChange: flags.failIfWorse ?? 0 },
      );
      const judged = flags.failIfWorse === undefined ? null : isWorse(comparison, flags.failIfWorse);
      const text = flags.json
        ? JSON.stringify(comparisonObject(comparison, a, b, judged), null, 2)
        : comparisonText(comparison, judged, {
            colour: wantsColour(flags),
            columns: process.stdout.isTTY ? (process.stdout.columns ?? 80) : null,
          });
      process.stdout.write(`${text.trimEnd()}\n`);
      exit(judged?.failed ? EXIT.failed : EXIT.ok);
    });
  },
} satisfies CliCommand;

function addCompareOptions(command: Command): void {
  command
    .option('--json', 'print one JSON object on standard output', false)
    .option('--fail-if-worse <share>', 'exit with 1 when B is worse than A by more than this', shareOf)
    .option('--no-color', 'no colour, as with NO_COLOR');
}

function shareOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim());
  const share = match ? Number(match[1]) / (match[2] ? 100 : 1) : Number.NaN;
  if (!(share >= 0 && share <= 10)) {
    throw new LoopscopeError('USAGE', `--fail-if-worse: "${text}" is not a share`, 'try --fail-if-worse 5%');
  }
  return share;
}

/**
 * The files of either side. With "--" between them, all operands before it and all after; without, there are two, each
 * a file, several joined by commas, or a folder of *.loopscope files. `argv`: "--" is not among the operands.
 */
export function sidesOf(operands: readonly string[], argv: readonly string[]): [string[], string[]] {
  const divider = argv.indexOf('--');
  const afterCount = divider < 0 ? 0 : argv.length - divider - 1;
  if (divider < 0 && operands.length !== 2) {
    throw new LoopscopeError(
      'USAGE',
      `${plural(operands.length, 'operand')}: it is not clear where one side ends`,
      'loopscope compare A B, or loopscope compare A1 A2 -- B1 B2',
    );
  }
  const first = divider < 0 ? operands.slice(0, 1) : operands.slice(0, operands.length - afterCount);
  const second = divider < 0 ? operands.slice(1) : operands.slice(operands.length - afterCount);
  if (first.length === 0 || second.length === 0) {
    throw new LoopscopeError('USAGE', 'one side has no run', 'loopscope compare A1 A2 -- B1 B2');
  }
  return [first.flatMap(filesOf), second.flatMap(filesOf)];
}

/** A run among those that it is compared with makes itself look usual. */
export function refuseShared(a: readonly string[], b: readonly string[]): void {
  if (a.length === 1 && b.length === 1) return;
  const first = new Set(a.map((path) => resolve(path)));
  const shared = b.find((path) => first.has(resolve(path)));
  if (shared === undefined) return;
  throw new LoopscopeError('USAGE', `${shared} is on both sides`, 'leave it out of one');
}

function filesOf(operand: string): string[] {
  const found = statSync(operand, { throwIfNoEntry: false });
  const paths = found?.isDirectory()
    ? readdirSync(operand)
        .filter((name) => RUN_FILE.test(name))
        .sort()
        .map((name) => join(operand, name))
    : found || !operand.includes(',')
      ? [operand]
      : operand.split(',').filter((path) => path !== '');
  if (paths.length === 0) {
    throw new LoopscopeError(
      'FILE_UNREADABLE',
      `${operand} holds no *.loopscope file`,
      'write runs with --out',
    );
  }
  if (paths.length > RUNS_MAX) {
    throw new LoopscopeError(
      'USAGE',
      `${operand}: ${paths.length} runs are more than ${RUNS_MAX}`,
      'name some of them',
    );
  }
  return paths;
}

type Judged = ReturnType<typeof isWorse> | null;

const VERDICT_INK: Partial<Record<Comparison['verdict'], Ink>> = {
  better: 'green',
  worse: 'red',
  mixed: 'yellow',
};

export function comparisonText(
  comparison: Comparison,
  judged: Judged,
  look: { colour: boolean; columns: number | null },
): string {
  const paper = new Paper(look);
  const { runCountA, runCountB, verdict } = comparison;
  paper.heading('B against A', `${plural(runCountA, 'run')} against ${runCountB}`);
  const ink = VERDICT_INK[verdict];
  paper.sentence(comparison.why, { first: '  ', ink: ink ? [ink] : [] });
  paper.line();
  writeTable(
    paper,
    [
      { title: '' },
      ...['A', 'B', 'change', '95 % interval', 'p', 'verdict'].map((title) => ({
        title,
        align: 'right' as const,
      })),
    ],
    comparison.figures.map((figure) => rowOf(figure, paper)),
  );
  const unknown = comparison.figures.filter((figure) => figure.centreA === null || figure.centreB === null);
  for (const figure of unknown) {
    paper.sentence(`${figure.name} cannot be compared: ${figure.why}`, { first: '  ', ink: ['dim'] });
  }
  if (comparison.basis !== 'within-run') {
    const test =
      comparison.basis === 'between-runs'
        ? 'Welch’s test over the runs'
        : 'how far the one run lies outside of the others (Student’s prediction interval)';
    paper.sentence(`p: ${test}, corrected for the number of figures (Holm).`, { first: '  ', ink: ['dim'] });
  }
  if (comparison.warnings.length > 0) {
    paper.heading('Not the same in all runs, or weak');
    for (const warning of comparison.warnings) paper.bullet(warning, ['yellow']);
  }
  if (judged) {
    paper.line();
    paper.sentence(`${judged.failed ? 'FAILED' : 'passed'}: ${judged.why}`, {
      ink: [judged.failed ? 'red' : 'green'],
    });
  }
  return paper.toString();
}

function rowOf(figure: ComparedFigure, paper: Paper) {
  const show = (value: number | null) => (value === null ? '–' : formatFigure(value, figure.unit));
  const { changeLow, changeHigh, change, p } = figure;
  const interval =
    changeLow === null || changeHigh === null
      ? '–'
      : `${formatChange(changeLow, figure.unit)} … ${formatChange(changeHigh, figure.unit)}`;
  const ink = VERDICT_INK[figure.verdict];
  const verdict: ChangeVerdict | '–' = figure.verdict === 'unknown' ? '–' : figure.verdict;
  return [
    figure.name,
    show(figure.centreA),
    show(figure.centreB),
    change === null ? '–' : formatChange(change, figure.unit),
    interval,
    p === null ? '–' : p < 0.001 ? '<0.001' : p.toFixed(3),
    { text: verdict, draw: (text: string) => (ink ? paper.ink(text, ink) : text) },
  ];
}

function formatFigure(value: number, unit: ComparedFigure['unit']): string {
  if (unit === 'ns') return formatNs(value);
  if (unit === 'share') return `${Number((value * 100).toPrecision(3))} %`;
  return `${formatCount(Math.round(value))}/s`;
}

/** "+4.2 %"; of shares, which differ by percentage points, "+0.1 pp". */
function formatChange(change: number, unit: ComparedFigure['unit']): string {
  const percent = change * 100;
  const digits = Math.abs(percent) >= 99.95 ? percent.toFixed(0) : Number(percent.toPrecision(2)).toString();
  return `${percent >= 0 ? '+' : ''}${digits} ${unit === 'share' ? 'pp' : '%'}`;
}

function comparisonObject(comparison: Comparison, a: string[], b: string[], judged: Judged) {
  const { basis, verdict, why, warnings, figures } = comparison;
  return {
    format: 'loopscope-comparison',
    version: 1,
    a,
    b,
    basis,
    verdict,
    why,
    fail_if_worse: judged,
    figures: figures.map((figure) => ({
      name: figure.name,
      unit: figure.unit,
      a: figure.a,
      b: figure.b,
      centre_a: figure.centreA,
      centre_b: figure.centreB,
      change: figure.change,
      change_low: figure.changeLow,
      change_high: figure.changeHigh,
      p: figure.p,
      permutation_p: figure.permutationP,
      verdict: figure.verdict,
      why: figure.why,
    })),
    warnings,
  };
}
