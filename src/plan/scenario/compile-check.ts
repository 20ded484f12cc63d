/** Checks as written in a scenario → data that checkReply() reads. */
import { LoopscopeError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { HTTP_TOKEN } from '../../wire/http1/http1-words.ts';
import {
  type BodyCheck,
  DEFAULT_STATUS,
  type HeaderCheck,
  type JsonPath,
  type ResponseCheck,
  type StatusRange,
} from '../requests/check.ts';
import { parseJsonPath } from './json-path.ts';
import type { JsonValue, ScenarioChecks } from './scenario.ts';
import type { Table } from './table-rows.ts';
import { hasVariables, parseJsonTemplate, parseTemplate } from './template.ts';

const DEFAULT_CAPTURE_BYTES = 65_536;

export type CheckOptions = {
  /** How much of a body `contains`, `json` and `has` look at. */
  captureBytes?: number | undefined;
  /** What variables are looked up in; null: the kind has no data. */
  table?: Table | null;
};

export type CompiledCheck = {
  check: ResponseCheck;
  /** The values of a row, by their numbers in `check`; null when it compares with nothing that varies. */
  ownOf: ((row: number) => Uint8Array[]) | null;
};

/** `where` is the field, for errors. Throws USAGE. */
export function compileCheck(
  checks: ScenarioChecks,
  where: string,
  options: CheckOptions = {},
): CompiledCheck {
  const { captureBytes = DEFAULT_CAPTURE_BYTES, table = null } = options;
  const { status: statuses } = checks;
  const list = statuses === undefined ? null : [statuses].flat();
  const own = new OwnMakers(table);
  const headers = Object.entries(checks.headers ?? {}).map(([name, rule]) =>
    headerCheck(name, rule, where, own),
  );
  const body = bodyChecks(checks.body ?? {}, `${where}.body`, own);
  const needed = (check: BodyCheck) => neededBytes(check, captureBytes, own);
  return {
    check: {
      status: list?.map((item) => statusRange(item, where)) ?? DEFAULT_STATUS,
      statusReason: list === null ? 'status 400 or above' : `status not ${list.join(', ')}`,
      headers,
      body,
      captureBytes: body.reduce((most, check) => Math.max(most, needed(check)), 0),
    },
    ownOf: own.count === 0 ? null : (row) => own.valuesOf(row),
  };
}

/** Texts of a check that vary with the row: each gets a number, and its value is made for each row beforehand. */
class OwnMakers {
  readonly #table: Table | null;
  readonly #makers: ((row: number) => Uint8Array)[] = [];

  constructor(table: Table | null) {
    this.#table = table;
  }

  get count(): number {
    return this.#makers.length;
  }

  valuesOf(row: number): Uint8Array[] {
    return this.#makers.map((make) => make(row));
  }

  /** What a text comes to: itself, or the number of the value that each request has instead. */
  text(text: string, where: string, mayBeEmpty = true): { value: string } | { own: number } {
    const template = parseTemplate(text, this.#table, where);
    if (template.isConstant) return { value: template.fill(0) };
    return this.#add((row) => {
      const filled = template.fill(row);
      if (filled !== '' || mayBeEmpty) return filled;
      throw new LoopscopeError(
        'USAGE',
        `${where}: ${text} is empty here, and every body contains that`,
        'leave the row out, or compare with "equals"',
      );
    });
  }

  json(value: JsonValue, where: string): { value: JsonValue } | { own: number } {
    const filler = parseJsonTemplate(value, this.#table, where);
    return filler.isConstant ? { value: JSON.parse(filler.fill(0)) } : this.#add((row) => filler.fill(row));
  }

  /** The most bytes that a value has, of all rows. */
  maxBytes(own: number): number {
    return this.#table!.rows.reduce((most, _, row) => Math.max(most, this.#makers[own]!(row).length), 0);
  }

  #add(fill: (row: number) => string): { own: number } {
    return { own: this.#makers.push((row) => Buffer.from(fill(row))) - 1 };
  }
}

function statusRange(item: number | string, where: string): StatusRange {
  if (typeof item === 'number') return [item, item];
  const text = item.trim();
  if (text.endsWith('xx')) return [Number(text[0]) * 100, Number(text[0]) * 100 + 99];
  const [from, to = from] = text.split('-').map(Number);
  if (to! < from!) throw new LoopscopeError('USAGE', `${where}.status: "${item}" runs backwards`);
  return [from!, to!];
}

function headerCheck(
  name: string,
  rule: boolean | string | { matches: string },
  where: string,
  own: OwnMakers,
): HeaderCheck {
  if (!HTTP_TOKEN.test(name))
    throw new LoopscopeError('USAGE', `${where}.headers: "${name}" is not a header name`);
  const shown = printable(name, 60);
  const base = { name: name.toLowerCase() };
  if (rule === true) return { ...base, rule: 'present', reason: `no header ${shown}` };
  if (rule === false) return { ...base, rule: 'absent', reason: `header ${shown} is there` };
  if (typeof rule === 'string') {
    const wanted = own.text(rule.trim(), `${where}.headers.${name}`);
    return { ...base, rule: 'equals', ...wanted, reason: `header ${shown} not ${quoted(rule)}` };
  }
  constantOnly(rule.matches, `${where}.headers.${name}.matches`, 'a regular expression');
  const pattern = new RegExp(rule.matches);
  return {
    ...base,
    rule: 'matches',
    pattern,
    reason: `header ${shown} does not match ${quoted(rule.matches)}`,
  };
}

function bodyChecks(body: NonNullable<ScenarioChecks['body']>, where: string, own: OwnMakers): BodyCheck[] {
  const all: BodyCheck[] = [];
  const { bytes, equals } = body;
  if (bytes !== undefined) all.push(lengthCheck(bytes, where));
  if (equals !== undefined) {
    const wanted = asBytes(own.text(equals, `${where}.equals`));
    all.push({ rule: 'equals', ...wanted, reason: `body not ${quoted(equals)}` });
  }
  for (const part of [body.contains ?? []].flat()) {
    const wanted = asBytes(own.text(part, `${where}.contains`, false));
    all.push({ rule: 'contains', ...wanted, reason: `body without ${quoted(part)}` });
  }
  for (const [path, value] of Object.entries(body.json ?? {})) {
    const field = `${where}.json`;
    const reason = `body ${printable(path, 60)} not ${quoted(value)}`;
    const wanted = own.json(value, `${field}[${quoted(path)}]`);
    all.push({ rule: 'json-equals', path: pathOf(path, field), ...wanted, reason });
  }
  for (const path of [body.has ?? []].flat()) {
    const reason = `body without ${printable(path, 60)}`;
    all.push({ rule: 'json-present', path: pathOf(path, `${where}.has`), reason });
  }
  return all;
}

function asBytes(wanted: { value: string } | { own: number }): { bytes: Uint8Array } | { own: number } {
  return 'own' in wanted ? wanted : { bytes: Buffer.from(wanted.value) };
}

function pathOf(path: string, where: string): JsonPath {
  constantOnly(path, where, 'a path');
  return parseJsonPath(path, where);
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
function neededBytes(check: BodyCheck, captureBytes: number, own: OwnMakers): number {
  if (check.rule === 'equals') {
    return (check.own === undefined ? check.bytes.length : own.maxBytes(check.own)) + 1;
  }
  if (check.rule !== 'length') return captureBytes;
  return check.maxBytes === Number.MAX_SAFE_INTEGER ? check.minBytes : check.maxBytes + 1;
}

/** To say so beats looking for the braces in replies. */
function constantOnly(text: string, where: string, what: string): void {
  if (!hasVariables(text)) return;
  throw new LoopscopeError(
    'USAGE',
    `${where}: ${what} cannot have variables, and this has: ${quoted(text)}`,
    'variables may stand in values: those of headers, "equals", "contains" and "json"',
  );
}

function quoted(value: unknown): string {
  return printable(JSON.stringify(value), 60);
}
