/** Checks as written in a scenario → data that checkReply() reads. */
import { LoopscopeError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { HTTP_TOKEN } from '../../wire/http1/http1-words.ts';
import {
  type BodyCheck,
  DEFAULT_STATUS,
  type HeaderCheck,
  type ResponseCheck,
  type StatusRange,
} from '../requests/check.ts';
import { parseJsonPath } from './json-path.ts';
import type { ScenarioChecks } from './scenario.ts';
import { hasVariables } from './template.ts';

const DEFAULT_CAPTURE_BYTES = 65_536;

/** `where` is the field, for errors. Throws USAGE. */
export function compileCheck(
  checks: ScenarioChecks,
  where: string,
  captureBytes: number = DEFAULT_CAPTURE_BYTES,
): ResponseCheck {
  const { status: statuses } = checks;
  const list = statuses === undefined ? null : [statuses].flat();
  const headers = Object.entries(checks.headers ?? {}).map(([name, rule]) => headerCheck(name, rule, where));
  const body = bodyChecks(checks.body ?? {}, `${where}.body`);
  return {
    status: list?.map((item) => statusRange(item, where)) ?? DEFAULT_STATUS,
    statusReason: list === null ? 'status 400 or above' : `status not ${list.join(', ')}`,
    headers,
    body,
    captureBytes: body.reduce((most, check) => Math.max(most, neededBytes(check, captureBytes)), 0),
  };
}

function statusRange(item: number | string, where: string): StatusRange {
  if (typeof item === 'number') return [item, item];
  const text = item.trim();
  if (text.endsWith('xx')) return [Number(text[0]) * 100, Number(text[0]) * 100 + 99];
  const [from, to = from] = text.split('-').map(Number);
  if (to! < from!) throw new LoopscopeError('USAGE', `${where}.status: "${item}" runs backwards`);
  return [from!, to!];
}

function headerCheck(name: string, rule: boolean | string | { matches: string }, where: string): HeaderCheck {
  if (!HTTP_TOKEN.test(name))
    throw new LoopscopeError('USAGE', `${where}.headers: "${name}" is not a header name`);
  const shown = printable(name, 60);
  const base = { name: name.toLowerCase() };
  if (rule === true) return { ...base, rule: 'present', reason: `no header ${shown}` };
  if (rule === false) return { ...base, rule: 'absent', reason: `header ${shown} is there` };
  if (typeof rule === 'string') {
    constantOnly(rule, `${where}.headers.${name}`);
    return { ...base, rule: 'equals', value: rule.trim(), reason: `header ${shown} not ${quoted(rule)}` };
  }
  const pattern = new RegExp(rule.matches);
  return {
    ...base,
    rule: 'matches',
    pattern,
    reason: `header ${shown} does not match ${quoted(rule.matches)}`,
  };
}

function bodyChecks(body: NonNullable<ScenarioChecks['body']>, where: string): BodyCheck[] {
  const all: BodyCheck[] = [];
  const { bytes, equals } = body;
  if (bytes !== undefined) all.push(lengthCheck(bytes, where));
  if (equals !== undefined) {
    constantOnly(equals, `${where}.equals`);
    all.push({ rule: 'equals', bytes: Buffer.from(equals), reason: `body not ${quoted(equals)}` });
  }
  for (const part of [body.contains ?? []].flat()) {
    constantOnly(part, `${where}.contains`);
    all.push({ rule: 'contains', bytes: Buffer.from(part), reason: `body without ${quoted(part)}` });
  }
  for (const [path, value] of Object.entries(body.json ?? {})) {
    const field = `${where}.json`;
    const reason = `body ${printable(path, 60)} not ${quoted(value)}`;
    all.push({ rule: 'json-equals', path: parseJsonPath(path, field), value, reason });
  }
  for (const path of [body.has ?? []].flat()) {
    const reason = `body without ${printable(path, 60)}`;
    all.push({ rule: 'json-present', path: parseJsonPath(path, `${where}.has`), reason });
  }
  return all;
}

function lengthCheck(bytes: number | { min?: number; max?: number }, where: string): BodyCheck {
  const exact = typeof bytes === 'number';
  const minBytes = exact ? bytes : (bytes.min ?? 0);
  const maxBytes = exact ? bytes : (bytes.max ?? Number.MAX_SAFE_INTEGER);
  if (maxBytes < minBytes) throw new LoopscopeError('USAGE', `${where}.bytes: max is less than min`);
  const wanted = exact
    ? `${bytes} bytes`
    : maxBytes === Number.MAX_SAFE_INTEGER
      ? `at least ${minBytes} bytes`
      : `${minBytes} to ${maxBytes} bytes`;
  return { rule: 'length', minBytes, maxBytes, reason: `body not ${wanted}` };
}

/** A body longer than what is kept must be seen to be longer: hence one byte more. */
function neededBytes(check: BodyCheck, captureBytes: number): number {
  if (check.rule === 'equals') return check.bytes.length + 1;
  if (check.rule !== 'length') return captureBytes;
  return check.maxBytes === Number.MAX_SAFE_INTEGER ? check.minBytes : check.maxBytes + 1;
}

/** A check is the same for all requests of a kind: to say so beats looking for the braces in replies. */
function constantOnly(text: string, where: string): void {
  if (!hasVariables(text)) return;
  throw new LoopscopeError(
    'USAGE',
    `${where}: checks cannot have variables`,
    'compare with a fixed text, or look for a path that must be there ("has")',
  );
}

function quoted(value: unknown): string {
  return printable(JSON.stringify(value), 60);
}
