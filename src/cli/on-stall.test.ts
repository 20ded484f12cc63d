// Goal: the command gets the evidence, one at a time and not too often; nothing of it outlives the watch.
// Method: real commands; the clock only decides how long they may take.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { LoopscopeError } from '../base/errors.ts';
import { createOnStall, splitCommand } from './on-stall.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-on-stall-'));
after(() => rmSync(folder, { recursive: true }));

async function until(probe: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !probe(); i++) await delay(10);
  assert.ok(probe());
}

const textOf = (path: string) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

test('words as a shell splits them, and nothing else of a shell', () => {
  const cases: [text: string, words: string[]][] = [
    ['logger -t stall', ['logger', '-t', 'stall']],
    ['  sh -c \'cat > "$OUT"\'  ', ['sh', '-c', 'cat > "$OUT"']],
    ['say "a \\"b\\" \\$c"', ['say', 'a "b" \\$c']],
    ['a\\ b c', ['a b', 'c']],
    ['x $HOME *.c | y', ['x', '$HOME', '*.c', '|', 'y']],
    ["a '' b", ['a', '', 'b']],
  ];
  for (const [text, words] of cases) assert.deepEqual(splitCommand(text), words, text);
  for (const wrong of ['', '   ', "a 'b", 'a "b\\"']) {
    assert.throws(
      () => splitCommand(wrong),
      (error) => error instanceof LoopscopeError && error.code === 'USAGE',
      wrong,
    );
  }
});

test('the evidence arrives as one line of JSON', async () => {
  const path = join(folder, 'evidence');
  const onStall = createOnStall({ command: `sh -c 'cat > ${path}'`, onTrouble: assert.fail });
  onStall.run({ type: 'stall', wall_ns: 5 });
  await until(() => textOf(path).endsWith('\n'));
  assert.deepEqual(JSON.parse(textOf(path)), { type: 'stall', wall_ns: 5 });
  await onStall.close();
  assert.deepEqual(onStall.counts, { run: 1, skipped: 0, failed: 0 });
});

test('one at a time, not too often, the others counted', async () => {
  const path = join(folder, 'lines');
  const command = `sh -c 'cat >> ${path}; sleep 0.2'`;
  const onStall = createOnStall({ command, everyMs: 0, onTrouble: assert.fail });
  for (let i = 0; i < 5; i++) onStall.run({ i });
  assert.deepEqual(onStall.counts, { run: 1, skipped: 4, failed: 0 });
  // As soon as the first has ended.
  await until(() => {
    onStall.run({ i: 5 });
    return onStall.counts.run === 2;
  });
  await until(() => textOf(path) === '{"i":0}\n{"i":5}\n');
  await onStall.close();
  const seldom = createOnStall({ command: 'true', everyMs: 60_000, onTrouble: assert.fail });
  seldom.run({});
  await delay(200);
  seldom.run({});
  assert.deepEqual(seldom.counts, { run: 1, skipped: 1, failed: 0 });
  await seldom.close();
});

test('closing ends what runs, its children too', async () => {
  const path = join(folder, 'pids');
  const onStall = createOnStall({
    command: `sh -c 'sleep 60 & echo $! > ${path}; wait'`,
    onTrouble: assert.fail,
  });
  onStall.run({});
  await until(() => textOf(path).endsWith('\n'));
  const child = Number(textOf(path));
  await onStall.close();
  await until(() => textOf(`/proc/${child}/stat`) === '' || / Z /.test(textOf(`/proc/${child}/stat`)));
  onStall.run({});
  assert.equal(onStall.counts.run, 1, 'nothing starts once it is closed');
});

test('trouble is told once for each kind, and counted each time', async () => {
  const told: string[] = [];
  const absent = createOnStall({
    command: '/no/such/program',
    everyMs: 0,
    onTrouble: (text) => told.push(text),
  });
  for (let i = 0; i < 3; i++) {
    absent.run({});
    await until(() => absent.counts.failed === i + 1);
  }
  assert.equal(told.length, 1);
  assert.match(told[0]!, /--on-stall: \/no\/such\/program could not be started: .*ENOENT/);
  const deaf = createOnStall({ command: 'false', everyMs: 0, onTrouble: (text) => told.push(text) });
  deaf.run({ long: 'x'.repeat(200_000) });
  await until(() => deaf.counts.failed === 1);
  assert.match(told[1]!, /exit status 1/);
  const slow = createOnStall({ command: 'sleep 60', timeoutMs: 100, onTrouble: (text) => told.push(text) });
  slow.run({});
  await until(() => slow.counts.failed === 1);
  assert.ok(told.some((text) => /took longer than 0\.1 s/.test(text)));
  for (const each of [absent, deaf, slow]) await each.close();
});
