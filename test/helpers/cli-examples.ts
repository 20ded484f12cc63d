/** The command lines of docs/reference/cli.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-files.ts';

const text = readFileSync(join(root, 'docs/reference/cli.md'), 'utf8');

export const examples: readonly string[] = [...text.matchAll(/^ {4}(loopscope .*)$/gm)].map(
  (match) => match[1]!,
);

/** The words of a command line, as a shell would split it. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
}
