// Goal: the reference names every field and reason that there is, and no other, and its examples are right. Method: the
// schema and the list of reasons, compared with docs/reference/proxy-config.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BUILT_IN } from '../rules/rule-counter.ts';
import { CONFIG_FIELDS, validateConfig } from './schema.ts';

const reference = readFileSync(
  new URL('../../../../docs/reference/proxy-config.md', import.meta.url),
  'utf8',
);

/** First cells of the table under a heading. */
function rowsOf(heading: string): string[] {
  const [section] = reference.split(`## ${heading}\n`)[1]!.split('\n## ');
  return [...section!.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!);
}

/** How the reference writes each of the objects of the schema. */
const PREFIXES = ['', 'listen[].', 'upstreams[].', 'users{}.', 'rules[].', 'limits.', 'timeouts.'];

test('reference: every field of a configuration, and no other', () => {
  const fields = CONFIG_FIELDS.flatMap(([, { entries }], i) =>
    Object.keys(entries).map((key) => `${PREFIXES[i]}${key}`),
  );
  assert.deepEqual(rowsOf('Fields').toSorted(), fields.toSorted());
});

test('reference: every reason that is counted, and no other', () => {
  assert.deepEqual(rowsOf('What is counted').toSorted(), [...BUILT_IN].toSorted());
});

test('reference: its example is a configuration', () => {
  const example = /```json\n([\s\S]*?)```/.exec(reference)![1]!;
  validateConfig(JSON.parse(example), 'the example');
});
