/**
 * From what the user typed to code: "name", "file:name", or with * and ? for several. The program's own file is searched
 * first, then its libraries.
 */

import { upTo } from '../../../base/ends.ts';
import { LoopscopeError } from '../../../base/errors.ts';
import { matchesGlob } from '../../../base/glob.ts';
import { printable } from '../../../base/printable.ts';
import { demangle } from '../../../kernel/symbols/demangle/demangle.ts';
import { FUNCTION_LIMIT } from '../layouts.ts';
import { explainAbsence, explainKernelFunction } from './explain-absence.ts';
import type { MappedFile } from './mapped-files.ts';
import { copiesOf } from './near-names.ts';
import { isIndirect, type NamedFunction, plainName, symbolTableOf } from './symbol-table.ts';

export type FoundFunction = { name: string; file: MappedFile; fileOffset: number };

export type FoundFunctions = { functions: FoundFunction[]; notes: string[] };

/** Throws USAGE, with near misses and the reason, for a name that has no code to probe. */
export function findFunctions(patterns: readonly string[], files: readonly MappedFile[]): FoundFunctions {
  const functions: FoundFunction[] = [];
  const notes: string[] = [];
  const seen = new Set<string>();
  for (const pattern of patterns) {
    for (const found of findOne(pattern, files, notes)) {
      const key = `${found.file.key}:${found.fileOffset}`;
      if (seen.has(key)) continue;
      seen.add(key);
      functions.push(found);
    }
  }
  if (functions.length > FUNCTION_LIMIT) {
    throw new LoopscopeError(
      'USAGE',
      `${functions.length} functions match, and ${FUNCTION_LIMIT} at most can be traced at once`,
      'name fewer, or narrow the pattern',
    );
  }
  return { functions, notes };
}

function findOne(pattern: string, files: readonly MappedFile[], notes: string[]): FoundFunction[] {
  const ofKernel = pattern.startsWith('kernel:') ? explainKernelFunction(pattern) : null;
  if (ofKernel) throw ofKernel;
  const { fileName, name } = splitPattern(pattern, files);
  const places = fileName === null ? files : files.filter((file) => isNamed(file, fileName));
  if (places.length === 0) {
    const known = files.map((file) => file.module.name).join(', ');
    throw new LoopscopeError(
      'USAGE',
      `${printable(pattern)}: no file called ${printable(fileName ?? '')} is mapped`,
      `one of: ${known}`,
    );
  }
  const isGlob = /[*?]/.test(name);
  // A pattern means the program's own functions: in its libraries it would match what nobody thought of.
  for (const file of isGlob && fileName === null ? places.slice(0, 1) : places) {
    const { functions } = symbolTableOf(file.module);
    const matching = isGlob ? matchGlob(name, functions) : matchName(name, functions);
    if (matching.length === 0) continue;
    if (!isGlob && isIndirect(file.module, matching[0]!.symbol)) {
      throw new LoopscopeError(
        'USAGE',
        `${name} in ${file.module.name} is chosen when the program starts (an IFUNC): its symbol is the code that chooses, not the function`,
        `name what it chose, as perf top shows it (libc6-dbg has those names): loopscope trace '${file.module.name}:__${name}_*'`,
      );
    }
    for (const { symbol } of matching) noteParts(symbol, functions, notes);
    return matching.map(({ symbol, fileOffset }) => ({ name: demangle(symbol), file, fileOffset }));
  }
  throw explainAbsence(name, places);
}

/** "libc.so.6:malloc"; a C++ name has colons of its own. */
function splitPattern(
  pattern: string,
  files: readonly MappedFile[],
): { fileName: string | null; name: string } {
  const match = /^([^:]+):(?!:)(.+)$/.exec(pattern);
  if (!match || (match[1]!.includes('(') && !files.some((file) => isNamed(file, match[1]!)))) {
    return { fileName: null, name: pattern };
  }
  return { fileName: match[1]!, name: match[2]! };
}

/** By its name, its path, or its name without version: "libc" is libc.so.6. */
function isNamed({ module, path }: MappedFile, wanted: string): boolean {
  const { name } = module;
  return name === wanted || path === wanted || withoutVersion(name) === wanted;
}

/** "libc-2.31.so" and "libc.so.6" → "libc". */
function withoutVersion(fileName: string): string {
  const stem = upTo(fileName, '.so');
  const dash = stem === fileName ? -1 : stem.lastIndexOf('-');
  return dash >= 0 && /^[\d.]+$/.test(stem.slice(dash + 1)) ? stem.slice(0, dash) : stem;
}

function matchName(name: string, functions: readonly NamedFunction[]): NamedFunction[] {
  const exact = functions.filter(({ symbol }) => symbol === name);
  if (exact.length > 0) return withoutAliases(exact);
  const mangled = functions.filter(({ symbol }) => /^_(Z|R)/.test(symbol));
  return withoutAliases(
    mangled.filter(({ symbol }) => plainName(symbol) === name || demangle(symbol) === name),
  );
}

function matchGlob(pattern: string, functions: readonly NamedFunction[]): NamedFunction[] {
  const inCpp = pattern.includes('::');
  return withoutAliases(
    // Parts that were split off for being rare are no functions of their own.
    functions.filter(
      ({ symbol }) =>
        !/\.cold(\.\d+)?$/.test(symbol) && matchesGlob(inCpp ? plainName(symbol) : symbol, pattern),
    ),
  );
}

function withoutAliases(functions: NamedFunction[]): NamedFunction[] {
  const byOffset = new Map<number, NamedFunction>();
  for (const each of functions) if (!byOffset.has(each.fileOffset)) byOffset.set(each.fileOffset, each);
  return [...byOffset.values()];
}

/** Callers into which the beginning of a function was inlined call its other part directly. */
function noteParts(symbol: string, functions: readonly NamedFunction[], notes: string[]): void {
  const copies = copiesOf(
    symbol,
    functions.map((each) => each.symbol),
  ).filter((name) => !/\.cold(\.\d+)?$/.test(name));
  if (copies.length === 0) return;
  notes.push(
    `the compiler also made ${copies.slice(0, 3).join(', ')} of ${symbol}: calls of those are counted only if you name them too`,
  );
}
