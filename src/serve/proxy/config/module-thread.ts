/** A thread that loads one module and says what it exports. What it exports must be data: functions stay behind. */
import { parentPort, workerData } from 'node:worker_threads';
import { LoopscopeError } from '../../../base/errors.ts';
import { loadValue } from '../../../base/input/load-value.ts';
import { CONFIG_FILE } from './config-file.ts';

export type ModuleAnswer = { value: unknown } | { code: string; message: string; hint: string };

async function answer(path: string): Promise<ModuleAnswer> {
  try {
    const value = await loadValue(path, CONFIG_FILE);
    return { value: structuredClone(value) };
  } catch (error) {
    if (error instanceof LoopscopeError)
      return { code: error.code, message: error.message, hint: error.hint };
    const { message } = error as Error;
    return { code: 'USAGE', message: `${path}: ${message}`, hint: 'a configuration is plain data' };
  }
}

parentPort?.postMessage(await answer(workerData as string));
