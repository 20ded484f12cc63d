import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { displayWidth } from '../text/width.ts';

/** What a number that is none looks like in a sentence. */
const NO_VALUE = /\bNaN\b|\bundefined\b|Infinity|\[object /;

/**
 * What holds for every text that a person reads: no value that is none, nothing that steers a terminal but colours, and
 * no line wider than `columns` cells (null: any width).
 */
export function assertReadable(text: string, columns: number | null, where = ''): void {
  for (const coloured of text.split('\n')) {
    const line = stripVTControlCharacters(coloured);
    assert.doesNotMatch(line, NO_VALUE, where);
    assert.doesNotMatch(line, /\p{Cc}/u, where);
    if (columns !== null)
      assert.ok(displayWidth(line) <= columns, `${where}: wider than ${columns}: ${line}`);
  }
}

/** What holds for every value that is written as JSON, which has null for what is no number. */
export function assertFinite(value: unknown, path = ''): void {
  if (typeof value === 'number') assert.ok(Number.isFinite(value), `${path}: ${value}`);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) assertFinite(inner, `${path}.${key}`);
}
