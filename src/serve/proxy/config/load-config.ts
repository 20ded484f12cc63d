/** Reads a proxy's configuration from its file: JSON, or a module (.ts, .mts, .js, .mjs) that exports `proxy`. */
import { basename, extname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, LoopscopeError } from '../../../base/errors.ts';
import { loadValue } from '../../../base/input/load-value.ts';
import { CONFIG_FILE } from './config-file.ts';
import type { ModuleAnswer } from './module-thread.ts';
import type { ProxyConfig } from './proxy-config.ts';
import { validateConfig } from './schema.ts';

/** Throws FILE_UNREADABLE, or USAGE that names file, line or field. */
export async function loadConfig(path: string): Promise<ProxyConfig> {
  const isModule = extname(path).toLowerCase() !== '.json';
  const value = isModule ? await loadAfresh(resolve(path)) : await loadValue(path, CONFIG_FILE);
  return validateConfig(value, basename(path));
}

/** In a thread of its own: a process keeps what it imported, and a reload is to see the file as it is now. */
function loadAfresh(path: string): Promise<unknown> {
  const thread = new Worker(new URL(`module-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: path,
  });
  return new Promise((resolve, reject) => {
    thread.once('message', (answer: ModuleAnswer) => {
      if ('value' in answer) resolve(answer.value);
      else reject(new LoopscopeError(answer.code as ErrorCode, answer.message, answer.hint));
      void thread.terminate();
    });
    thread.once('error', reject);
    thread.once('exit', (status) => {
      reject(
        new LoopscopeError(
          'USAGE',
          `${basename(path)}: ended its thread with status ${status}`,
          'export a value',
        ),
      );
    });
  });
}
