/** Files that results go to: checked before the run as far as that can be, written whole or not at all. */
import { accessSync, closeSync, constants, openSync, readSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LoopscopeError } from '../base/errors.ts';
import { findPlace, type Place } from '../base/place.ts';
import { COMMON_MODE, writeAll, writeWholeFile } from '../base/write-file.ts';

/** What an option's file begins with: an existing one that begins otherwise is somebody else's, and is not replaced. */
const SIGNATURES: Record<string, RegExp> = {
  '--out': /^\{"record":"header"/,
  '--html': /^<!doctype html>/i,
  '--folded': /^([^\n;]+ \d+(\/\d+)?|unknown loop);/,
  '--hdr': /^#\[Logged with /,
  '--hgrm': /^( +Value +Percentile|#\[response times)/,
  '--csv': /^start_s,/,
  '--profile-client': /^(<!doctype html>|load thread \d+(;| ))/i,
  '--junit': /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites name="loopscope"/,
};

/** `mayReplace`: an earlier run of ours too, which cannot be made again. */
export type Output = { option: string; path: string; mayReplace?: boolean };

/** Refuses before the run what could not be written after it. Throws RUN_FILE_WRITE naming the option. */
export function checkOutputs(outputs: readonly Output[]): void {
  const seen = new Map<string, string>();
  for (const { option, path, mayReplace } of outputs) {
    const whole = resolve(path);
    const other = seen.get(whole);
    if (other !== undefined) {
      throw new LoopscopeError('USAGE', `${other} and ${option} name the same file: ${path}`, 'name two');
    }
    seen.set(whole, option);
    checkOutput({ option, path: whole, mayReplace });
  }
}

function checkOutput({ option, path, mayReplace }: Output): void {
  const refuse = (why: string, hint: string): never => {
    throw new LoopscopeError('RUN_FILE_WRITE', `${option}: ${why}`, hint);
  };
  using place =
    placeOrNull(option, path) ?? refuse(`cannot write in ${dirname(path)}`, 'choose another folder');
  const { existing, folder } = place;
  if (existing?.isDirectory()) refuse(`${path} is a folder`, `try ${option} ${join(path, 'run')}`);
  if (place.isUnnamed || (existing && !existing.isFile())) return;
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    refuse(`cannot write in ${dirname(path)}`, 'choose another folder');
  }
  if (existing && existing.size > 0 && !SIGNATURES[option]!.test(beginning(`${folder}/${place.name}`))) {
    refuse(
      `${path} exists, and is not something that ${option} wrote`,
      'choose another name, or remove it first',
    );
  }
  if (existing && existing.size > 0 && option === '--out' && !mayReplace) {
    refuse(`${path} holds an earlier run`, 'choose another name, or add --overwrite');
  }
  if (isFull(folder)) refuse(`no space is left in ${dirname(path)}`, 'free some, or choose another folder');
}

/** Null where a folder is missing or closed. */
function placeOrNull(option: string, path: string): Place | null {
  try {
    return findPlace(path);
  } catch (error) {
    if (error instanceof LoopscopeError) throw ofOption(option, error);
    return null;
  }
}

function beginning(path: string): string {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(64);
      return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

function isFull(folder: string): boolean {
  try {
    const { bavail, blocks } = statfsSync(folder);
    return blocks > 0 && bavail === 0;
  } catch {
    return false;
  }
}

/** The file appears under its name only when all of it is there. Throws RUN_FILE_WRITE; nothing is left then. */
export function writeWhole({ option, path }: Output, text: string): void {
  try {
    writeWholeFile(path, COMMON_MODE, (fd) => writeAll(fd, text));
  } catch (error) {
    if (error instanceof LoopscopeError) throw ofOption(option, error);
    const why = error instanceof Error ? error.message : String(error);
    throw new LoopscopeError(
      'RUN_FILE_WRITE',
      `${option}: ${path} could not be written: ${why}`,
      'free space, or choose another place',
      error,
    );
  }
}

function ofOption(option: string, { code, message, hint }: LoopscopeError): LoopscopeError {
  return new LoopscopeError(code, `${option}: ${message}`, hint);
}
