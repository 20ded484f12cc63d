import { LoopscopeError } from '../../base/errors.ts';
import type { JsonPath } from '../requests/check.ts';

/**
 * A small part of JSONPath (RFC 9535) that always names at most one value: `$`, then `.name`, `['name']` or `[0]`, as
 * often as needed. No wildcards, slices or filters. Throws USAGE naming `where` and the column.
 */
export function parseJsonPath(text: string, where: string): JsonPath {
  if (!text.startsWith('$')) {
    throw new LoopscopeError(
      'USAGE',
      `${where}: a path begins with $, got "${text}"`,
      'write for instance $.items[0].id',
    );
  }
  const path: (string | number)[] = [];
  const step = /\.([\p{L}_][\p{L}\p{N}_-]*)|\[(\d{1,9})\]|\['((?:[^'\\]|\\['\\])*)'\]/uy;
  for (let at = 1; at < text.length; at = step.lastIndex) {
    step.lastIndex = at;
    const match = step.exec(text);
    if (!match) {
      throw new LoopscopeError(
        'USAGE',
        `${where}: "${text}" cannot be read from column ${at + 1} on ("${text.slice(at, at + 20)}")`,
        "after $ come .name, ['name'] and [0]; no wildcards, slices or filters",
      );
    }
    const [, name, index, quoted] = match;
    path.push(index !== undefined ? Number(index) : (name ?? quoted!.replace(/\\(.)/g, '$1')));
  }
  return path;
}
