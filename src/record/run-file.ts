/**
 * Run files: one JSON object a line, so that a file cut short is still worth reading. A header, then the load and the
 * observation with what grows in lines of at most CHUNK items, then an end record that counts the lines before it.
 */
import { LoopscopeError } from '../base/errors.ts';
import { PRIVATE_MODE, writeAll, writeWholeFile } from '../base/write-file.ts';
import type { Run } from './run.ts';

const CHUNK = 500;

/** Kinds of line. Those of arrays carry `items`. */
export type RunLine =
  | { record: 'header' | 'load' | 'observation'; value: unknown }
  | { record: 'blocks' | 'windows' | 'stalls' | 'host'; items: unknown[] }
  | { record: 'end'; lineCount: number };

/**
 * Writes a whole run. The file appears under its name only when all of it is on the disk, for its maker alone; an older
 * one is replaced then, and its mode kept. Throws RUN_FILE_WRITE (disk full, permissions, a link that another user
 * planted); nothing is left behind in that case.
 */
export function writeRunFile(path: string, run: Run): void {
  try {
    writeWholeFile(path, PRIVATE_MODE, (fd) => {
      for (const line of linesOf(run)) writeAll(fd, `${JSON.stringify(line, refuseNonNumbers)}\n`);
    });
  } catch (error) {
    throw error instanceof LoopscopeError ? error : writeError(path, error);
  }
}

/** The lines of a run in the order they are written. An incomplete run gets no end record, and so stays incomplete. */
export function* linesOf(run: Run): Generator<RunLine> {
  let lineCount = 0;
  for (const line of bodyLines(run)) {
    lineCount++;
    yield line;
  }
  if (run.complete) yield { record: 'end', lineCount };
}

function* bodyLines(run: Run): Generator<RunLine> {
  yield { record: 'header', value: run.header };
  if (run.load) {
    const { blocks, ...rest } = run.load;
    yield { record: 'load', value: rest };
    yield* chunks('blocks', blocks);
  }
  if (run.observation) {
    const { windows, stalls, host, ...rest } = run.observation;
    yield { record: 'observation', value: rest };
    yield* chunks('windows', windows);
    yield* chunks('stalls', stalls);
    yield* chunks('host', host);
  }
}

function* chunks(record: 'blocks' | 'windows' | 'stalls' | 'host', items: unknown[]): Generator<RunLine> {
  for (let i = 0; i < items.length; i += CHUNK) yield { record, items: items.slice(i, i + CHUNK) };
}

/** JSON writes NaN and Infinity as null, which the reader would refuse long after the run. */
function refuseNonNumbers(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new LoopscopeError('INTERNAL', `the run holds ${value} in "${key}", which no file can keep`);
  }
  return value;
}

const HINTS: Record<string, string> = {
  ENOSPC: 'the disk is full: free space, or choose another place',
  EDQUOT: 'your quota is used up: free space, or choose another place',
  EACCES: 'no permission to write there: choose another place',
  EPERM: 'no permission to write there: choose another place',
  EROFS: 'that file system is read-only: choose another place',
  ENOENT: 'the folder does not exist',
  ENOTDIR: 'part of the path is not a folder',
  EISDIR: 'that is a folder',
};

function writeError(path: string, error: unknown): LoopscopeError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const why = error instanceof Error ? error.message : String(error);
  return new LoopscopeError(
    'RUN_FILE_WRITE',
    `the run file ${path} could not be written: ${why}`,
    HINTS[code] ?? 'choose another place',
    error,
  );
}

export { readRunFile } from './run-file-reader.ts';
