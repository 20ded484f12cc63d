/** Reads a scenario file, and the files that it names. The one place of this room that touches the file system. */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LoopscopeError } from '../../base/errors.ts';
import { importFile, missingImportHint } from '../../base/import-file.ts';
import { formatBytes } from '../../base/units.ts';
import type { ReadFile } from './compile.ts';
import { parseJsonText } from './json-text.ts';
import type { Scenario } from './scenario.ts';
import { validateScenario } from './schema.ts';

export type LoadedScenario = {
  scenario: Scenario;
  /** How it is called in errors. */
  where: string;
  readFile: ReadFile;
};

const MAX_FILE_BYTES = 512 * 1024 * 1024;
const MODULE_ENDINGS = ['.ts', '.mts', '.js', '.mjs'];

/**
 * Reads and checks a scenario: JSON, or a module (.ts, .mts, .js, .mjs) that exports `scenario`. Throws FILE_UNREADABLE,
 * or USAGE that names file, line or field.
 */
export async function loadScenario(path: string): Promise<LoadedScenario> {
  const absolute = resolve(path);
  const where = basename(path);
  const readRelative: ReadFile = (file, field) => readBytes(resolve(dirname(absolute), file), `${field}: `);
  const ending = extname(absolute).toLowerCase();
  if (ending === '.json') {
    const text = Buffer.from(readBytes(absolute))
      .toString('utf8')
      .replace(/^\ufeff/, '');
    return { scenario: validateScenario(parseJsonText(text, where), where), where, readFile: readRelative };
  }
  if (!MODULE_ENDINGS.includes(ending)) {
    throw new LoopscopeError(
      'USAGE',
      `--scenario: "${path}" ends in none of .json, ${MODULE_ENDINGS.join(', ')}`,
      'rename it after what it is',
    );
  }
  readBytes(absolute);
  return {
    scenario: validateScenario(await importScenario(absolute, where), where),
    where,
    readFile: readRelative,
  };
}

async function importScenario(absolute: string, where: string): Promise<unknown> {
  let module: Record<string, unknown>;
  try {
    module = await importFile(absolute);
  } catch (error) {
    throw moduleProblem(error, absolute, where);
  }
  if (Object.hasOwn(module, 'scenario')) return module.scenario;
  const names = Object.keys(module);
  throw new LoopscopeError(
    'USAGE',
    `${where}: exports ${names.length === 0 ? 'nothing' : names.join(', ')}, and no scenario`,
    'write export const scenario = defineScenario({ kinds: […] })',
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

function readBytes(absolute: string, field = ''): Uint8Array {
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
