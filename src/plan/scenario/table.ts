/** Rows for variables: from CSV, JSONL, or written out in the scenario. */

import { LoopscopeError } from '../../base/errors.ts';
import { parseJsonText } from '../../base/input/json-text.ts';
import { parseCsv } from './csv.ts';
import type { JsonObject } from './scenario.ts';
import type { Table } from './table-rows.ts';

/** More rows than can be laid out in a mix. */
const MAX_ROW_COUNT = 2 ** 22;

/** Reads CSV or JSONL. Throws USAGE with the line at fault. */
export function parseTable(text: string, format: 'csv' | 'jsonl', where: string): Table {
  const table = format === 'csv' ? parseCsv(text, where) : parseJsonLines(text, where);
  if (table.rows.length === 0) throw new LoopscopeError('USAGE', `${where}: has no rows`);
  if (table.rows.length > MAX_ROW_COUNT) {
    throw new LoopscopeError(
      'USAGE',
      `${where}: has ${table.rows.length} rows, at most ${MAX_ROW_COUNT} can be used`,
    );
  }
  return table;
}

/** "csv" or "jsonl" by the file's ending; null when that says neither. */
export function formatOf(file: string): 'csv' | 'jsonl' | null {
  const ending = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  return ending === 'csv' ? 'csv' : ending === 'jsonl' || ending === 'ndjson' ? 'jsonl' : null;
}

/** One JSON object a line; empty lines are passed over. */
function parseJsonLines(text: string, where: string): Table {
  const objects: JsonObject[] = [];
  const lines: number[] = [];
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      // Said again with the column; the scanner counts from the line's own beginning.
      parseJsonText('\n'.repeat(index) + line, where);
    }
    if (!isObject(value)) throw new LoopscopeError('USAGE', `${where}:${index + 1}: is not a JSON object`);
    objects.push(value);
    lines.push(index + 1);
  });
  return { ...tableOf(objects, where), lines };
}

/** Rows that are objects already. */
export function tableOf(objects: readonly JsonObject[], where: string): Table {
  const index = new Map<string, number>();
  for (const object of objects) {
    for (const name of Object.keys(object)) if (!index.has(name)) index.set(name, index.size);
  }
  const columns = [...index.keys()];
  const rows = objects.map((object) =>
    columns.map((name) => (Object.hasOwn(object, name) ? object[name] : undefined)),
  );
  return { where, columns, rows, lines: rows.map((_, i) => i + 1) };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
