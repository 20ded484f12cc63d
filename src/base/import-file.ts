import { pathToFileURL } from 'node:url';

/** The exports of a user's file, TypeScript or JavaScript, wherever it lies. Throws what the file throws. */
export async function importFile(path: string): Promise<Record<string, unknown>> {
  await import('./user-modules.ts');
  return import(pathToFileURL(path).href);
}

/** What to do when importing failed because something that the file imports is not there; null for other failures. */
export function missingImportHint(error: unknown): string | null {
  const { code, message } = error as { code?: string; message?: string };
  if (code !== 'ERR_MODULE_NOT_FOUND') return null;
  const name = /^Cannot find package '([^']+)'/.exec(message ?? '')?.[1];
  return name === undefined
    ? 'import types with "import type", and files by their full name, extension included'
    : `run npm install ${name} in the folder of the file`;
}
