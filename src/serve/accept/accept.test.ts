// Goal: what every accept strategy must be, so that a newcomer learns what it is missing. Method: over the registry.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../../test/helpers/source-files.ts';
import { loopBackends } from '../../loop/registry.ts';
import { ProcessLock } from './process-lock.ts';
import { ACCEPT_STRATEGIES } from './registry.ts';

const documented = readFileSync(join(root, 'docs/reference/serve.md'), 'utf8');
const options = readFileSync(join(root, 'docs/reference/cli.md'), 'utf8');

for (const strategy of ACCEPT_STRATEGIES) {
  test(`${strategy.name}: complete, documented, and fit for its back ends`, () => {
    assert.match(strategy.name, /^[a-z][a-z-]*$/);
    assert.ok(strategy.summary.length > 20);
    assert.ok(strategy.backends.length > 0);
    for (const backend of strategy.backends) assert.ok(loopBackends.some(({ name }) => name === backend));
    const row = documented.split('\n').find((line) => line.startsWith(`| \`${strategy.name}\` |`));
    assert.ok(row, 'a row in docs/reference/serve.md');
    assert.ok(row.split('|').at(-2)!.trim().length > 40, 'which says what it costs and risks');
    const where = row.split('|')[2]!.trim();
    assert.equal(where, strategy.backends.length === 2 ? 'both' : strategy.backends[0]);
    const option = options.split('\n').find((line) => line.startsWith('| `--accept <strategy>` |'))!;
    assert.ok(option.includes(`\`${strategy.name}\``), 'named in docs/reference/cli.md');
    if (strategy.sockets === 'each') assert.notEqual(strategy.options.exclusive, true, 'nothing is shared');
    // What the ring cannot do must not be asked of it.
    if (strategy.backends.includes('ring')) {
      assert.equal(strategy.takeTurns, undefined);
      assert.deepEqual(strategy.options, {});
    }
  });

  if (!strategy.takeTurns) continue;
  test(`${strategy.name}: one at a time, whoever asks, and always somebody`, () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    const workers = [11, 12, 13].map((pid) => strategy.takeTurns!(new ProcessLock(words, 0, pid)));
    for (let round = 0; round < 30; round++) {
      const order = workers.map((_, i) => workers[(i + round) % workers.length]!);
      const had = order.filter((turns) => turns.mayAccept(0, 100));
      assert.deepEqual(had, [order[0]], 'the first to ask has it');
      for (const turns of order) turns.afterAccepts();
    }
    assert.deepEqual(
      workers.map((turns) => turns.turnCount),
      [10, 10, 10],
    );
    assert.ok(workers[0]!.retryNs > 0 && workers[0]!.retryNs <= 1e9);
  });
}
