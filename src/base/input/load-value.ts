/** A value from a user's file: JSON, or a module (.ts, .mts, .js, .mjs) that exports it by name. */
import { readFileSync, statSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LoopscopeError } from '../errors.ts';
import { importFile, missingImportHint } from '../import-file.ts';
import { formatBytes } from '../units.ts';
import { parseJsonText } from './json-text.ts';

export type ValueFile = {
  /** The option that names the file, for errors. */
  option: string;
  /** What a module calls the value. */
  exportName: string;
  /** What to write in a module that exports none. */
  example: string;
};

const MAX_FILE_BYTES = 512 * 1024 * 1024;
const MODULE_ENDINGS = ['.ts', '.mts', '.js', '.mjs'];

/** Reads the value, unchecked. Throws FILE_UNREADABLE, or USAGE that names file and line. */
export async function loadValue(path: string, file: ValueFile): Promise<unknown> {
  const absolute = resolve(path);
  const where = basename(path);
  const ending = extname(absolute).toLowerCase();
  if (ending === '.json') {
    const text = Buffer.from(readFileBytes(absolute))
      .toString('utf8')
      .replace(/^\ufeff/, '');
    return parseJsonText(text, where);
  }
  if (!MODULE_ENDINGS.includes(ending)) {
    throw new LoopscopeError(
      'USAGE',
      `${file.option}: "${path}" ends in none of .json, ${MODULE_ENDINGS.join(', ')}`,
      'rename it after what it is',
    );
  }
  readFileBytes(absolute);
  return importValue(absolute, where, file);
}

async function importValue(absolute: string, where: string, file: ValueFile): Promise<unknown> {
  let module: Record<string, unknown>;
  try {
    module = await importFile(absolute);
  } catch (error) {
    throw moduleProblem(error, absolute, where);
  }
  if (Object.hasOwn(module, file.exportName)) return module[file.exportName];
  const names = Object.keys(module);
  throw new LoopscopeError(
    'USAGE',
    `${where}: exports ${names.length === 0 ? 'nothing' : names.join(', ')}, and no ${file.exportName}`,
    file.example,
  );
}

/** What a module threw while it was loaded, with the line of the scenario that was running. */
function moduleProblem(error: unknown, absolute: string, where: string): LoopscopeError {
  if (!(error instanceof Error)) {
    return new LoopscopeError(
      'USAGE',
      `${where}: threw ${JSON.stringify(error) ?? String(error)}`,
      'throw an Error',
    );
  }
  const stack = error.stack ?? '';
  const url = pathToFileURL(absolute).href;
  const place = [url, absolute]
    .flatMap((name) => [stack.split(`${name}:`)[1] ?? ''])
    .map((rest) => /^\d+(:\d+)?/.exec(rest)?.[0])
    .find((found) => found !== undefined);
  const message = error.message.split('\n').find((line) => line.trim() !== '') ?? error.name;
  const at = place === undefined ? where : `${where}:${place}`;
  return new LoopscopeError(
    'USAGE',
    `${at}: ${error.name}: ${message.trim()}`,
    missingImportHint(error) ?? '',
    error,
  );
}

/** `field` begins the error, as in "kinds[2].data.file: ". Throws FILE_UNREADABLE, or USAGE for a file that is too large. */
export function readFileBytes(absolute: string, field = ''): Uint8Array {
  try {
    const { size } = statSync(absolute);
    if (size <= MAX_FILE_BYTES) return readFileSync(absolute);
    throw new LoopscopeError(
      'USAGE',
      `${field}${absolute} has ${formatBytes(size)}, at most ${formatBytes(MAX_FILE_BYTES)} are read`,
      'use a part of it',
    );
  } catch (error) {
    if (error instanceof LoopscopeError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : String(code);
    throw new LoopscopeError('FILE_UNREADABLE', `${field}cannot read ${absolute}: ${why}`, '', error);
  }
}
