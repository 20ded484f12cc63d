// Goal: the page's scripts are typed like the rest. They need the browser's types, which the other rooms must not see,
// so they have a project of their own. Method: run the compiler on it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { root } from '../helpers/source-files.ts';

test('the client scripts and the browser tests have no type errors', () => {
  const project = dirname(fileURLToPath(import.meta.url));
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', project], {
    cwd: root,
    encoding: 'utf8',
  });
  const ours = stdout
    .split('\n')
    .filter((line) => /^(src\/report|test\/browser)\//.test(line) || /^error/.test(line));
  assert.deepEqual(ours, []);
});
