/** Puts a run and its diagnosis where the user asked: run file, other files, JSON, or the terminal. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LoopscopeError } from '../base/errors.ts';
import type { Diagnosis } from '../diagnose/finding.ts';
import type { Run } from '../record/run.ts';
import type { Reporter, ReportOptions } from '../report/reporter.ts';
import { type OutputFlags, wantsColour } from './options.ts';
import { checkOutputs, type Output, writeWhole } from './outputs.ts';

/** What the run was judged by besides its own diagnosis. */
export type Judged = Pick<ReportOptions, 'thresholds' | 'limit'> & {
  /** JSON as one line, the last of a stream. */
  asLine?: boolean;
};

type FileFlag = 'html' | 'folded' | 'hdr' | 'hgrm' | 'csv';

/** Loaded when asked for: most runs need one of them. */
const FILE_REPORTERS: Record<FileFlag, () => Promise<Reporter>> = {
  html: async () => (await import('../report/html/html.ts')).htmlReporter,
  folded: async () => (await import('../report/folded/folded-reporter.ts')).foldedReporter,
  hdr: async () => (await import('../report/hdr-log/hdr-log.ts')).hdrLogReporter,
  hgrm: async () => (await import('../report/hgrm/hgrm.ts')).hgrmReporter,
  csv: async () => (await import('../report/csv/csv.ts')).csvReporter,
};
const FILE_FLAGS = Object.keys(FILE_REPORTERS) as FileFlag[];

/** Refuses before the run what could not be written after it. */
export function checkOutputFlags(flags: OutputFlags): void {
  checkOutputs(
    (['out', ...FILE_FLAGS] as const).flatMap((name): Output[] =>
      flags[name] === undefined ? [] : [{ option: `--${name}`, path: flags[name] }],
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

/** Writes and prints everything asked for. Files come first, so that the text can name them; the text always comes. */
export async function present(
  run: Run,
  diagnosis: Diagnosis,
  flags: OutputFlags,
  more: Judged = {},
): Promise<void> {
  const failures: unknown[] = [];
  const written: string[] = [];
  const attempt = (write: () => void, path: string) => {
    try {
      write();
      written.push(path);
    } catch (error) {
      failures.push(error);
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
    attempt(() => writeRunFile(out, run), out);
  }
  for (const name of FILE_FLAGS) {
    const path = flags[name];
    if (path === undefined) continue;
    const output = { option: `--${name}`, path };
    const reporter = await FILE_REPORTERS[name]();
    attempt(() => writeWhole(output, reporter.render(run, diagnosis, options)), path);
  }
  const json = flags.json ? await import('../report/json/json.ts') : null;
  const reporter = json
    ? more.asLine
      ? json.jsonLineReporter
      : json.jsonReporter
    : (await import('../report/terminal/terminal.ts')).terminalReporter;
  process.stdout.write(`${reporter.render(run, diagnosis, options).trimEnd()}\n`);
  if (!flags.json) for (const path of written) process.stdout.write(`wrote ${resolve(path)}\n`);
  if (failures.length === 0) return;
  throw out !== undefined && written.includes(out) ? failures[0] : await withRunKept(failures[0], run);
}

/** A run that took minutes is not lost for want of a place: it is put where temporary files go, if that can be. */
async function withRunKept(failure: unknown, run: Run): Promise<unknown> {
  if (!(failure instanceof LoopscopeError) || failure.code !== 'RUN_FILE_WRITE') return failure;
  try {
    const path = join(mkdtempSync(join(tmpdir(), 'loopscope-')), 'run.loopscope');
    const { writeRunFile } = await import('../record/run-file.ts');
    writeRunFile(path, run);
    return new LoopscopeError(
      failure.code,
      `${failure.message}; the run was kept as ${path}`,
      `write it elsewhere with: loopscope report ${path} --out FILE`,
      failure,
    );
  } catch {
    return failure;
  }
}
