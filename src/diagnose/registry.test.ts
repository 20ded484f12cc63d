// Goal: a culprit or a self-check cannot be half there. Method: compare the ids, the files, the registries, the limits
// and the two reference pages.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { diagnose } from './diagnose.ts';
import { CULPRITS } from './finding.ts';
import * as limits from './limits.ts';
import { RULES } from './rules/registry.ts';
import { CHECKS } from './self/registry.ts';
import { quietRun } from './testing/run-builder.ts';

const here = import.meta.dirname;
const reference = join(here, '../../docs/reference');

function plugins(folder: string): string[] {
  return readdirSync(join(here, folder))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter((name) => /\bsatisfies\b/.test(readFileSync(join(here, folder, name), 'utf8')))
    .map((name) => name.replace('.ts', ''))
    .sort();
}

function sections(file: string): Map<string, string> {
  const parts = readFileSync(join(reference, file), 'utf8').split(/^## /m).slice(1);
  const named = parts.flatMap((part): [string, string][] => {
    const id = /^`([^`]+)`/.exec(part)?.[1];
    return id ? [[id, part]] : [];
  });
  return new Map(named);
}

test('one rule for each culprit, in its own file, in a unique place of the order of tests', () => {
  assert.deepEqual(RULES.map((rule) => rule.culprit).sort(), [...CULPRITS].sort());
  assert.deepEqual(plugins('rules'), [...CULPRITS].map((culprit) => culprit.replace('.', '-')).sort());
  const orders = RULES.map((rule) => rule.order);
  assert.deepEqual(
    orders,
    [...new Set(orders)].sort((a, b) => a - b),
  );
});

test('one file for each self-check', () => {
  assert.deepEqual(plugins('self'), CHECKS.map((check) => check.name).sort());
});

test('every culprit has its section, with the same parts, and no section is about nothing', () => {
  const documented = sections('culprits.md');
  assert.deepEqual([...documented.keys()].sort(), [...CULPRITS].sort());
  for (const [culprit, text] of documented) {
    for (const part of ['Meaning', 'Evidence', 'Threshold', 'Look-alikes', 'What to do']) {
      assert.ok(text.includes(`**${part}.**`), `${culprit}: ${part}`);
    }
  }
});

test('every self-check has its section', () => {
  assert.deepEqual([...sections('self-checks.md').keys()].sort(), CHECKS.map((check) => check.name).sort());
});

test('every limit is listed in the reference with its value', () => {
  const text =
    readFileSync(join(reference, 'culprits.md'), 'utf8') +
    readFileSync(join(reference, 'self-checks.md'), 'utf8');
  const documented = new Map(
    [...text.matchAll(/^\| `([\w.]+)` \| ([-\d_.e]+) \|/gm)].map((m) => [m[1]!, Number(m[2])]),
  );
  const real = new Map<string, number>();
  for (const [group, values] of Object.entries(limits)) {
    if (typeof values === 'number') real.set(group, values);
    else for (const [name, value] of Object.entries(values)) real.set(`${group}.${name}`, value);
  }
  assert.deepEqual(Object.fromEntries([...documented].sort()), Object.fromEntries([...real].sort()));
});

test('the schema of doctor --json has exactly the fields of a diagnosis', () => {
  const text = readFileSync(join(reference, 'doctor-json.md'), 'utf8');
  const schema = JSON.parse(/```json\n([\s\S]*?)```/.exec(text)![1]!);
  const snake = (value: object) =>
    Object.keys(value)
      .map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
      .sort();
  const diagnosis = diagnose(quietRun().run);
  assert.deepEqual(schema.required.toSorted(), snake(diagnosis));
  assert.deepEqual(schema.properties.self.required.toSorted(), snake(diagnosis.self));
  assert.deepEqual(schema.$defs.finding.required.toSorted(), snake(diagnosis.verdict));
  assert.deepEqual(schema.$defs.evidence.required.toSorted(), snake(diagnosis.evidence[0]!));
  assert.deepEqual(schema.$defs.selfCheck.required.toSorted(), snake(diagnosis.self.checks[0]!));
});
