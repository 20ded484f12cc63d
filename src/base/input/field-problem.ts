/** What a schema found wrong with a value from a file, told by field: `kinds[2].weight: must be a positive number, got "x"`. */
import type * as v from 'valibot';
import { LoopscopeError } from '../errors.ts';
import { printable } from '../printable.ts';
import { nearMiss } from './near-miss.ts';

/** The fields that are known where a path leads, for suggestions. */
export type KnownFields = readonly [path: RegExp, schema: { entries: object }][];

/** A USAGE error for the first of the issues, with the number of the others. `where` begins it, as in "scenario.json". */
export function fieldProblem(
  where: string,
  issues: readonly v.BaseIssue<unknown>[],
  fields: KnownFields,
): LoopscopeError {
  // A misspelt field is told before the missing one that it was meant to be.
  const [issue, ...others] = issues.toSorted((a, b) => Number(isUnknown(b)) - Number(isUnknown(a)));
  const rest = others.length === 0 ? '' : `${others.length} more after that`;
  return problem(where, issue!, rest, fields);
}

function isUnknown(issue: v.BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never';
}

function problem(
  where: string,
  issue: v.BaseIssue<unknown>,
  rest: string,
  fields: KnownFields,
): LoopscopeError {
  const keys = (issue.path ?? []).map(({ key }) => key as string | number);
  const path = formatPath(keys);
  const at = path === '' ? where : `${where}: ${path}`;
  if (isUnknown(issue)) {
    const parent = formatPath(keys.slice(0, -1));
    const known = Object.keys(fields.find(([pattern]) => pattern.test(parent))?.[1].entries ?? {});
    const near = nearMiss(String(keys.at(-1)), known);
    const hint = near === null ? `known here: ${known.join(', ')}` : `did you mean ${near}?`;
    return new LoopscopeError('USAGE', `${at}: no such field`, hint);
  }
  if (issue.type === 'strict_object' && issue.received === 'undefined' && keys.length > 0)
    return new LoopscopeError('USAGE', `${at}: is missing`, rest);
  const message = issue.message.startsWith('Invalid')
    ? `must be ${article(issue.expected ?? '')}`
    : issue.message;
  return new LoopscopeError('USAGE', `${at}: ${message}, got ${shown(issue.input)}`, rest);
}

function article(expected: string): string {
  return expected === 'Object' ? 'an object' : expected === 'Array' ? 'a list' : expected;
}

/** "kinds[2].headers["x y"]": as one would write it in a program. */
export function formatPath(keys: readonly (string | number)[]): string {
  return keys
    .map((key) => {
      if (typeof key === 'number') return `[${key}]`;
      return /^[A-Za-z_][\w-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(printable(key, 60))}]`;
    })
    .join('')
    .replace(/^\./, '');
}

/** A value from a file, short and harmless. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  try {
    const json = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
    return printable(json ?? String(value), 60);
  } catch {
    return 'something that refers to itself';
  }
}
