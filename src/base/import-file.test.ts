// Goal: a user's file loads wherever it lies. Method: files in folders that say of themselves what npm makes them say.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { defineScenario } from '../plan/scenario/scenario.ts';
import { importFile, missingImportHint } from './import-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'loopscope-import-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(scratch, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

write('commonjs/package.json', '{ "type": "commonjs" }');
write('module/package.json', '{ "type": "module" }');
write('untold/package.json', '{}');
const FOLDERS = ['commonjs', 'module', 'untold', 'none', 'commonjs/node_modules/other'];

const TYPED = "import { helped } from './helper.ts';\nexport const answer: number = helped;\n";
const PLAIN = 'export const answer = 42;\n';

for (const folder of FOLDERS) {
  test(`importFile: TypeScript and what it imports, in ${folder}`, async () => {
    write(`${folder}/helper.ts`, 'export const helped: number = 42;\n');
    for (const name of ['a.ts', 'a.mts']) {
      const { answer } = await importFile(write(`${folder}/${name}`, TYPED));
      assert.equal(answer, 42, name);
    }
  });

  test(`importFile: JavaScript with export, in ${folder}`, async () => {
    const names = folder.includes('node_modules') ? ['b.mjs'] : ['b.js', 'b.mjs'];
    for (const name of names) {
      assert.equal((await importFile(write(`${folder}/${name}`, PLAIN))).answer, 42, name);
    }
  });

  test(`importFile: our own library by its name, in ${folder}`, async () => {
    const text = "import { defineScenario } from 'loopscope';\nexport const ours = defineScenario;\n";
    assert.equal((await importFile(write(`${folder}/c.ts`, text))).ours, defineScenario);
  });
}

test('importFile: CommonJS stays CommonJS', async () => {
  for (const name of ['commonjs/d.js', 'commonjs/d.ts', 'none/d.js']) {
    const path = write(name, "const { sep } = require('node:path');\nexports.answer = sep;\n");
    assert.equal((await importFile(path)).answer, '/', name);
  }
});

test('importFile: a mistake is told with its file and line', async () => {
  const path = write('commonjs/e.ts', 'export const fine = 1;\nexport const = 2;\n');
  await assert.rejects(importFile(path), (error: Error) => {
    assert.match(error.stack!, /commonjs\/e\.ts:2/);
    return true;
  });
});

test('importFile: what is not there is told with what to type', async () => {
  const cases: [text: string, hint: RegExp][] = [
    ["import 'no-such-package-here';", /npm install no-such-package-here/],
    ["import './gone.ts';", /full name/],
  ];
  for (const [index, [text, hint]] of cases.entries()) {
    await assert.rejects(importFile(write(`none/gone-${index}.ts`, text)), (error) => {
      assert.match(missingImportHint(error)!, hint);
      return true;
    });
  }
  assert.equal(missingImportHint(new Error('boo')), null);
});
