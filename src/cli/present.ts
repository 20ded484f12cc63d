/** Puts a run and its diagnosis where the user asked: run file, HTML file, JSON, or the terminal. */
import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LoopscopeError } from '../base/errors.ts';
import type { Diagnosis } from '../diagnose/finding.ts';
import type { Run } from '../record/run.ts';
import { writeRunFile } from '../record/run-file.ts';
import { htmlReporter } from '../report/html/html.ts';
import { jsonReporter } from '../report/json/json.ts';
import { terminalReporter } from '../report/terminal/terminal.ts';
import { type OutputFlags, wantsColour } from './options.ts';

/** Refuses before the run what could not be written after it. */
export function checkOutputs(flags: OutputFlags): void {
  for (const [option, path] of [
    ['--out', flags.out],
    ['--html', flags.html],
  ] as const) {
    if (path === undefined) continue;
    const folder = dirname(resolve(path));
    try {
      accessSync(folder, constants.W_OK);
    } catch {
      throw new LoopscopeError(
        'RUN_FILE_WRITE',
        `${option}: cannot write in ${folder}`,
        'choose another folder',
      );
    }
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      throw new LoopscopeError(
        'RUN_FILE_WRITE',
        `${option}: ${path} is a folder`,
        `try ${option} ${path}/run`,
      );
    }
  }
}

/** Writes and prints everything asked for. Files come first, so that the text can name them; the text always comes. */
export function present(run: Run, diagnosis: Diagnosis, flags: OutputFlags): void {
  let failure: unknown = null;
  const written: string[] = [];
  const attempt = (write: () => void, path: string) => {
    try {
      write();
      written.push(path);
    } catch (error) {
      failure ??= error;
    }
  };
  const options = {
    colour: wantsColour(flags),
    columns: process.stdout.isTTY ? (process.stdout.columns ?? 80) : null,
    runFile: flags.out ?? null,
  };
  if (flags.out !== undefined) attempt(() => writeRunFile(flags.out!, run), flags.out);
  if (flags.html !== undefined) {
    attempt(() => writeReport(flags.html!, htmlReporter.render(run, diagnosis, options)), flags.html);
  }
  const reporter = flags.json ? jsonReporter : terminalReporter;
  process.stdout.write(`${reporter.render(run, diagnosis, options).trimEnd()}\n`);
  if (!flags.json) for (const path of written) process.stdout.write(`wrote ${resolve(path)}\n`);
  if (failure) throw failure;
}

function writeReport(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LoopscopeError(
      'RUN_FILE_WRITE',
      `the report could not be written: ${why}`,
      'free space, or choose another place',
    );
  }
}
