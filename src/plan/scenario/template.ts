/**
 * Texts with variables: `{{name}}` puts a value in as it is, `{{name|url}}` percent-encoded, `{{name|json}}` as JSON,
 * `{{name|number}}` as a number, which CSV does not have. `\{{` is a literal `{{`. Everything is looked up when the template is made; filling one in cannot fail but for a value
 * that a row does not have, or that is no number.
 */
import { LoopscopeError } from '../../base/errors.ts';
import { nearMiss } from '../../base/input/near-miss.ts';
import { printable } from '../../base/printable.ts';
import type { JsonValue } from './scenario.ts';
import type { Table } from './table-rows.ts';

/** A lone surrogate has no UTF-8; it becomes U+FFFD, as it does in a body. */
const FILTERS = {
  raw: asText,
  url: (value: JsonValue) => encodeURIComponent(asText(value).toWellFormed()),
  json: asJson,
  number: asText,
};
type Filter = keyof typeof FILTERS;

/** `keepsType`: alone in a JSON text, its value is no text unless the row has one. */
type Variable = { name: string; column: number; filter: Filter; keepsType: boolean };
type Part = string | Variable;

export type Template = {
  /** Without variables: the same for every row. */
  readonly isConstant: boolean;
  /** Throws USAGE when the row lacks a value. */
  fill(row: number): string;
  /** The bare value when the whole template is one variable, as it is or as a number; undefined otherwise. */
  bareValue(row: number): JsonValue | undefined;
};

/** `table` null: the kind has no data. `where` is the field, for errors. Throws USAGE. */
export function parseTemplate(text: string, table: Table | null, where: string): Template {
  const parts = splitParts(text, table, where);
  const only = parts.length === 1 && typeof parts[0] === 'object' && parts[0].keepsType ? parts[0] : null;
  const valueIn = (part: Variable, row: number): JsonValue => {
    const value = table!.rows[row]![part.column];
    const place = `${table!.where}:${table!.lines[row]}`;
    if (value === undefined) {
      throw new LoopscopeError('USAGE', `${place}: has no "${part.name}", which ${where} needs`);
    }
    if (part.filter !== 'number') return value;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number)) return number;
    const shown = printable(JSON.stringify(value), 40);
    throw new LoopscopeError(
      'USAGE',
      `${place}: "${part.name}" is no number, which ${where} needs: ${shown}`,
    );
  };
  return {
    isConstant: parts.every((part) => typeof part === 'string'),
    fill: (row) =>
      parts
        .map((part) => (typeof part === 'string' ? part : FILTERS[part.filter](valueIn(part, row))))
        .join(''),
    bareValue: (row) => (only === null ? undefined : valueIn(only, row)),
  };
}

/** A text, or a JSON value whose texts may have variables, for each row. */
export type Filler = Pick<Template, 'isConstant' | 'fill'>;

/**
 * A JSON value as text: the texts in it are templates, and one that is a variable and nothing else keeps the value's
 * type. `where`, and throws: as parseTemplate().
 */
export function parseJsonTemplate(value: JsonValue, table: Table | null, where: string): Filler {
  const templates: Template[] = [];
  const whole = jsonMaker(value, table, where, templates);
  return {
    isConstant: templates.every(({ isConstant }) => isConstant),
    fill: (row) => JSON.stringify(whole(row)),
  };
}

/** Adds what it finds to `templates`. */
function jsonMaker(
  value: JsonValue,
  table: Table | null,
  where: string,
  templates: Template[],
): (row: number) => JsonValue {
  if (typeof value === 'string') {
    const template = parseTemplate(value, table, where);
    templates.push(template);
    return (row) => template.bareValue(row) ?? template.fill(row);
  }
  if (typeof value !== 'object' || value === null) return () => value;
  if (Array.isArray(value)) {
    const items = value.map((item, i) => jsonMaker(item, table, `${where}[${i}]`, templates));
    return (row) => items.map((item) => item(row));
  }
  const members = Object.entries(value).map(
    ([name, item]) => [name, jsonMaker(item, table, `${where}.${name}`, templates)] as const,
  );
  return (row) => Object.fromEntries(members.map(([name, item]) => [name, item(row)]));
}

/** True when a text would be read as having a variable. */
export function hasVariables(text: string): boolean {
  return /(?<!\\)\{\{/.test(text);
}

function splitParts(text: string, table: Table | null, where: string): Part[] {
  const parts: Part[] = [];
  const opening = /\\?\{\{/g;
  let at = 0;
  for (let match = opening.exec(text); match; match = opening.exec(text)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    if (match[0].startsWith('\\')) {
      parts.push('{{');
      at = opening.lastIndex;
      continue;
    }
    const close = text.indexOf('}}', opening.lastIndex);
    if (close < 0) {
      throw new LoopscopeError(
        'USAGE',
        `${where}: "{{" at column ${match.index + 1} is not closed`,
        'write {{name}}, or \\{{ for the two characters themselves',
      );
    }
    parts.push(variable(text.slice(opening.lastIndex, close), table, where));
    at = close + 2;
    opening.lastIndex = at;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

function variable(inner: string, table: Table | null, where: string): Part {
  const bar = inner.lastIndexOf('|');
  const name = (bar < 0 ? inner : inner.slice(0, bar)).trim();
  const filter = bar < 0 ? 'raw' : inner.slice(bar + 1).trim();
  if (!Object.hasOwn(FILTERS, filter)) {
    const names = Object.keys(FILTERS).join(', ');
    throw new LoopscopeError('USAGE', `${where}: "{{${inner}}}": "${filter}" is none of ${names}`);
  }
  if (table === null) {
    throw new LoopscopeError(
      'USAGE',
      `${where}: uses {{${name}}}, and its kind has no data`,
      'add "data": "FILE.csv"',
    );
  }
  const column = table.columns.indexOf(name);
  if (column < 0) {
    const near = nearMiss(name, table.columns);
    throw new LoopscopeError(
      'USAGE',
      `${where}: {{${name}}}: ${table.where} has ${table.columns.join(', ')}`,
      near === null ? '' : `did you mean {{${near}}}?`,
    );
  }
  return { name, column, filter: filter as Filter, keepsType: bar < 0 || filter === 'number' };
}

function asText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A text without its quotation marks, so that it can stand between those of a JSON text; anything else whole. */
function asJson(value: JsonValue): string {
  const json = JSON.stringify(value);
  return typeof value === 'string' ? json.slice(1, -1) : json;
}
