/**
 * Run files: one JSON object a line, so that a file cut short is still worth reading. A header, then the load and the
 * observation with what grows in lines of at most CHUNK items, then an end record that counts the lines before it.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LoopscopeError } from '../base/errors.ts';
import type { Run } from './run.ts';

const CHUNK = 500;

/** Kinds of line. Those of arrays carry `items`. */
export type RunLine =
  | { record: 'header' | 'load' | 'observation'; value: unknown }
  | { record: 'blocks' | 'windows' | 'stalls' | 'host'; items: unknown[] }
  | { record: 'end'; lineCount: number };

/**
 * Writes a whole run. The file appears under its name only when all of it is on the disk; an older one is replaced
 * then. Throws RUN_FILE_WRITE (disk full, permissions); nothing is left behind in that case.
 */
export function writeRunFile(path: string, run: Run): void {
  let target = path;
  let partial: string | null = null;
  try {
    const existing = statSync(path, { throwIfNoEntry: false });
    if (existing) target = realpathSync(path);
    // A pipe or a device cannot be replaced by renaming, and must not be.
    const inPlace = existing !== undefined && !existing.isFile();
    partial = inPlace ? null : join(dirname(target), `.${basename(target)}.${process.pid}.partial`);
    writeLines(partial ?? target, run);
    if (partial !== null) renameSync(partial, target);
  } catch (error) {
    if (partial !== null) removeQuietly(partial);
    throw error instanceof LoopscopeError ? error : writeError(path, error);
  }
}

function writeLines(path: string, run: Run): void {
  const fd = openSync(path, 'w', 0o644);
  try {
    for (const line of linesOf(run)) writeAll(fd, `${JSON.stringify(line, refuseNonNumbers)}\n`);
    if (statSync(path).isFile()) fsyncSync(fd);
  } finally {
    closeSync(fd);
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

/** write(2) may take less than it was given. */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
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
