/** Puts a run and its diagnosis where the user asked: run file, other files, JSON, or the terminal. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EXIT, type ExitCode, LoopscopeError } from '../base/errors.ts';
import type { Diagnosis } from '../diagnose/finding.ts';
import { isServerGone } from '../diagnose/hindrances.ts';
import type { Run } from '../record/run.ts';
import type { Reporter, ReportOptions } from '../report/reporter.ts';
import { summaryLine } from '../report/text/summary-line.ts';
import { fitted } from './fitted.ts';
import { type OutputFlags, wantsColour } from './options.ts';
import { checkOutputs, type Output, writeWhole } from './outputs.ts';

/** What the run was judged by besides its own diagnosis. */
export type Judged = Pick<ReportOptions, 'thresholds' | 'limit'> & {
  /** JSON as one line, the last of a stream. */
  asLine?: boolean;
  /** The file that the run was read from. */
  readFrom?: string;
};

type FileFlag = 'html' | 'folded' | 'hdr' | 'hgrm' | 'csv' | 'junit';

/** Loaded when asked for: most runs need one of them. */
const FILE_REPORTERS: Record<FileFlag, () => Promise<Reporter>> = {
  html: async () => (await import('../report/html/html.ts')).htmlReporter,
  folded: async () => (await import('../report/folded/folded-reporter.ts')).foldedReporter,
  hdr: async () => (await import('../report/hdr-log/hdr-log.ts')).hdrLogReporter,
  hgrm: async () => (await import('../report/hgrm/hgrm.ts')).hgrmReporter,
  csv: async () => (await import('../report/csv/csv.ts')).csvReporter,
  junit: async () => (await import('../report/junit/junit.ts')).junitReporter,
};
const FILE_FLAGS = Object.keys(FILE_REPORTERS) as FileFlag[];

/** Refuses before the run what could not be written after it. */
export function checkOutputFlags(flags: OutputFlags): void {
  if (flags.overwrite && flags.out === undefined) {
    throw new LoopscopeError('USAGE', '--overwrite: there is no --out', 'leave it out, or add --out FILE');
  }
  checkOutputs(
    (['out', ...FILE_FLAGS] as const).flatMap((name): Output[] =>
      flags[name] === undefined
        ? []
        : [{ option: `--${name}`, path: flags[name], mayReplace: flags.overwrite ?? false }],
    ),
  );
}

/** The forms that hold latencies say nothing of a run without a load: refused before it. */
export function refuseExportsWithoutLoad(flags: OutputFlags): void {
  const wanted = (['hdr', 'hgrm', 'csv'] as const).find((name) => flags[name] !== undefined);
  if (wanted === undefined) return;
  throw new LoopscopeError(
    'USAGE',
    `--${wanted}: without a target no latency is measured`,
    `name a target to drive, or leave out --${wanted}`,
  );
}

/**
 * Writes and prints everything asked for. Files come first, so that the text can name them; the text always comes. What
 * fails is thrown at the end, when all else is done and the run is safe.
 */
export async function present(
  run: Run,
  diagnosis: Diagnosis,
  flags: OutputFlags,
  { asLine = false, readFrom, ...more }: Judged = {},
): Promise<void> {
  const failures: { error: unknown; flag: string }[] = [];
  const written: string[] = [];
  const attempt = (write: () => void, flag = 'out', path?: string) => {
    try {
      write();
      if (path !== undefined) written.push(path);
    } catch (error) {
      failures.push({ error, flag });
    }
  };
  const options = {
    colour: wantsColour(flags),
    columns: process.stdout.isTTY ? (process.stdout.columns ?? 80) : null,
    runFile: flags.out ?? null,
    ...more,
  };
  const { out } = flags;
  if (out !== undefined) {
    const { writeRunFile } = await import('../record/run-file.ts');
    attempt(() => writeRunFile(out, run), 'out', out);
  }
  for (const name of FILE_FLAGS) {
    const path = flags[name];
    if (path === undefined) continue;
    const output = { option: `--${name}`, path };
    const reporter = await FILE_REPORTERS[name]();
    attempt(() => writeWhole(output, reporter.render(run, diagnosis, options)), name, path);
  }
  const reporter = await textReporter(flags, asLine);
  attempt(() => process.stdout.write(`${reporter.render(run, diagnosis, options).trimEnd()}\n`));
  if (!flags.json) for (const path of written) process.stdout.write(`wrote ${resolve(path)}\n`);
  const [failure] = failures;
  if (failure === undefined) return;
  const kept = out !== undefined && written.includes(out) ? out : (readFrom ?? null);
  throw await withRunKept(failure.error, run, kept, failure.flag);
}

/** The last line: beside the text, or on standard error where standard output is JSON alone. */
export function writeSummary(
  run: Run,
  diagnosis: Diagnosis,
  { json }: Pick<OutputFlags, 'json'>,
  exitStatus: number,
  judged: Judged = {},
): void {
  const output = json ? process.stderr : process.stdout;
  output.write(fitted(output, summaryLine(run, diagnosis, exitStatus, judged)));
}

/** A slow server is what load is there to show, not a failure of the command; no good reply at all is one. */
export function exitStatusOfLoad(run: Run, diagnosis: Diagnosis, failed: boolean): ExitCode {
  if (run.load && (isServerGone(run.load) || run.load.stoppedEarly?.endsWith('vanished')))
    return EXIT.unreachable;
  if (diagnosis.self.verdict === 'VOID') return EXIT.void;
  return !failed && (run.load?.counts.ok ?? 0) > 0 ? EXIT.ok : EXIT.failed;
}

async function textReporter(flags: OutputFlags, asLine: boolean): Promise<Reporter> {
  if (!flags.json) return (await import('../report/terminal/terminal.ts')).terminalReporter;
  const json = await import('../report/json/json.ts');
  return asLine ? json.jsonLineReporter : json.jsonReporter;
}

/** What `work` makes of a run; when it throws what it should not, the run is kept first, and its path said. */
export async function keepingRun<T>(run: Run, work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    throw await withRunKept(error, run, null);
  }
}

/**
 * A run that took minutes is not lost for want of a place, or through a fault of ours: it is put where temporary files
 * go, if that can be. `path`: where it is already, or null. `flag`: the output that could not be had.
 */
async function withRunKept(failure: unknown, run: Run, path: string | null, flag = 'out'): Promise<unknown> {
  const known = failure instanceof LoopscopeError;
  if (known && (failure.code !== 'RUN_FILE_WRITE' || path !== null)) return failure;
  const kept = path === null ? await keep(run) : resolve(path);
  if (kept === null) return failure;
  if (!known) {
    process.stderr.write(`the run was kept as ${kept}: try loopscope report ${kept} --json\n`);
    return failure;
  }
  return new LoopscopeError(
    failure.code,
    `${failure.message}; the run was kept as ${kept}`,
    `write it elsewhere with: loopscope report ${kept} --${flag} FILE`,
    failure,
  );
}

/** Its path, or null when it cannot be written there either. */
async function keep(run: Run): Promise<string | null> {
  try {
    const path = join(mkdtempSync(join(tmpdir(), 'loopscope-')), 'run.loopscope');
    const { writeRunFile } = await import('../record/run-file.ts');
    writeRunFile(path, run);
    return path;
  } catch {
    return null;
  }
}
