// Goal: every log format keeps the contract, and the documents name all formats, fields and reasons, and no others.
// Method: the contract over the registry; the pages' headings and rows against the code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { REFUSAL, REFUSAL_MEANING } from '../lines/refusal.ts';
import { formatContract } from './format.contract.ts';
import { JSON_FIELDS } from './json/json-parser.ts';
import { LOG_FORMATS } from './registry.ts';

/** Neither is told as a refusal: read, and nothing to send. */
const ASIDE: readonly number[] = [REFUSAL.none, REFUSAL.aside];

const page = (name: string) =>
  readFileSync(new URL(`../../../../docs/reference/${name}.md`, import.meta.url), 'utf8');

for (const format of LOG_FORMATS) formatContract(format);

test('docs/reference/log-formats.md has a section for every format, and no other', () => {
  const headings = [...page('log-formats').matchAll(/^## (.+)$/gm)].map((match) => match[1]!);
  assert.deepEqual(headings.sort(), LOG_FORMATS.map(({ name }) => name).sort());
});

test('docs/reference/log-formats.md tells every field of --fields', () => {
  const section = page('log-formats')
    .split(/^## /m)
    .find((part) => part.startsWith('json\n'))!;
  const named = [...section.matchAll(/^\| ([^|]+) \|/gm)].flatMap((row) =>
    [...row[1]!.matchAll(/`(\w+)`/g)].map((match) => match[1]!),
  );
  assert.deepEqual(named.sort(), [...JSON_FIELDS].sort());
});

test('docs/reference/replay.md tells every reason why a line is refused', () => {
  const rows = [...page('replay').matchAll(/^\| ([^|]+) \|/gm)].map((match) => match[1]!);
  for (const [refusal, meaning] of Object.entries(REFUSAL_MEANING)) {
    if (!ASIDE.includes(Number(refusal))) assert.ok(rows.includes(meaning), `add a row "${meaning}"`);
  }
});
