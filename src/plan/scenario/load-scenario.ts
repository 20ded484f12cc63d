/** Reads a scenario file, and the files that it names. The one place of this room that touches the file system. */
import { basename, dirname, resolve } from 'node:path';
import { loadValue, readFileBytes } from '../../base/input/load-value.ts';
import type { ReadFile } from './compile.ts';
import type { Scenario } from './scenario.ts';
import { validateScenario } from './schema.ts';

export type LoadedScenario = {
  scenario: Scenario;
  /** How it is called in errors. */
  where: string;
  readFile: ReadFile;
};

const SCENARIO_FILE = {
  option: '--scenario',
  exportName: 'scenario',
  example: 'write export const scenario = defineScenario({ kinds: […] })',
};

/**
 * Reads and checks a scenario: JSON, or a module (.ts, .mts, .js, .mjs) that exports `scenario`. Throws FILE_UNREADABLE,
 * or USAGE that names file, line or field.
 */
export async function loadScenario(path: string): Promise<LoadedScenario> {
  const folder = dirname(resolve(path));
  const where = basename(path);
  const readFile: ReadFile = (file, field) => readFileBytes(resolve(folder, file), `${field}: `);
  return { scenario: validateScenario(await loadValue(path, SCENARIO_FILE), where), where, readFile };
}
