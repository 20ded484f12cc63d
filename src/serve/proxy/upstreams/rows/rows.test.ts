// Goal: names find their rows, a whole list is put in place without a void and piece by piece, logs are followed.
// Method: seeded changes beside a plain model; a clock that a stepper moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from '../../../../base/prng.ts';
import { ChangeLog, LOG_WORDS, LogReader } from './change-log.ts';
import { NameTable } from './name-table.ts';
import { Roster } from './roster.ts';
import { HEALTH, UpstreamRows } from './upstream-rows.ts';

const roster = (rowCount: number, limit = rowCount) => {
  const rows = new UpstreamRows(new ArrayBuffer(UpstreamRows.byteLength(rowCount)), rowCount);
  return { rows, roster: new Roster(rows, limit) };
};
const list = (count: number, from = 0, weight = 1) =>
  Array.from({ length: count }, (_, i) => ({
    name: `10.${(from + i) >> 8}.0.${(from + i) & 255}:80`,
    weight,
  }));
const namesOf = (of: Roster) =>
  Array.from({ length: of.rowCount }, (_, row) => of.at(row)?.name).filter((name) => name !== undefined);

test('a name table finds what is in it and nothing else, after any changes', () => {
  for (let seed = 0; seed < 8; seed++) {
    const prng = createPrng(seed);
    const table = new NameTable(50);
    const model = new Map<number, string>();
    for (let i = 0; i < 2000; i++) {
      const row = prng.below(50);
      const name = `n${prng.below(70)}`;
      if (model.delete(row)) table.remove(row);
      else if (table.find(name) < 0) table.add(row, model.set(row, name).get(row)!);
      for (let n = 0; n < 70; n += 7) {
        const found = [...model].find(([, each]) => each === `n${n}`);
        assert.equal(table.find(`n${n}`), found?.[0] ?? -1);
      }
    }
  }
});

test('a list takes the place of another: who stays keeps its row and its health, and there is never a void', () => {
  const { rows, roster: it } = roster(64, 40);
  for (const spec of list(30)) it.add(spec);
  const kept = Array.from({ length: 64 }, (_, row) => row).find(
    (row) => it.at(row)?.name === list(1, 20)[0]!.name,
  )!;
  rows.judge(kept, rows.version(kept), HEALTH.up);
  it.drain(list(1, 21)[0]!.name);
  let nowMs = 0;
  const step = it.replace(list(40, 20, 7), () => nowMs++);
  let steps = 0;
  for (let until = 2; !step(until); until = nowMs + 1) {
    steps++;
    assert.ok(it.count >= 20 && it.count <= 40, `${it.count}`);
  }
  assert.ok(steps > 2, `${steps} steps`);
  assert.deepEqual(
    namesOf(it).sort(),
    list(40, 20)
      .map(({ name }) => name)
      .sort(),
  );
  assert.deepEqual(it.at(kept), {
    name: list(1, 20)[0]!.name,
    weight: 7,
    draining: false,
    health: HEALTH.up,
  });
  const drained = Array.from({ length: 64 }, (_, row) => it.at(row)).filter((each) => each?.draining);
  assert.deepEqual(
    drained.map((each) => each?.name),
    [list(1, 21)[0]!.name],
    'it was drained by hand',
  );
});

test('a list begun before another is through gives way to it', () => {
  const { roster: it } = roster(512);
  let nowMs = 0;
  const first = it.replace(list(300), () => nowMs++);
  assert.equal(first(2), false);
  const second = it.replace(list(5, 1000), () => 0);
  assert.equal(second(1), true);
  assert.equal(first(Number.POSITIVE_INFINITY), true);
  assert.deepEqual(
    namesOf(it).sort(),
    list(5, 1000)
      .map(({ name }) => name)
      .sort(),
  );
});

test('a list that names one twice has it once, the last weight holds; one that is too long changes nothing', () => {
  const { roster: it } = roster(16, 8);
  while (!it.replace([...list(2), ...list(1, 0, 9)], () => 0)(1));
  assert.equal(it.count, 2);
  assert.equal(it.at(0)?.weight, 9);
  assert.throws(() => it.replace(list(9), () => 0), {
    code: 'USAGE',
    message: /9 upstreams are more than 8/,
  });
  assert.equal(it.count, 2);
});

test('what is wrong with a change is said', () => {
  const { roster: it } = roster(4, 2);
  for (const spec of list(2)) it.add(spec);
  assert.throws(() => it.add({ name: '1.1.1.1:1', weight: 1 }), { message: /no room for more/ });
  assert.throws(() => it.remove('1.1.1.1:1'), { message: /no upstream "1.1.1.1:1"/ });
  assert.throws(() => it.reweigh('\x1b[2J', 1), { message: /no upstream "·\[2J"/ });
  assert.throws(() => it.drain('1.1.1.1:1'), { code: 'USAGE' });
});

test('a name is of one version of its row', () => {
  const { rows, roster: it } = roster(1);
  it.add({ name: 'unix:/run/ä.sock', weight: 1 });
  const version = rows.version(0);
  assert.equal(rows.name(0, version), 'unix:/run/ä.sock');
  it.remove('unix:/run/ä.sock');
  it.add({ name: 'unix:/run/b.sock', weight: 1 });
  assert.equal(rows.name(0, version), null);
});

test('a reader sees every change, or everything again when the ring has gone round', () => {
  const log = new ChangeLog(new Int32Array(LOG_WORDS));
  const reader = new LogReader(log, 3);
  const all = () => {
    const seen: number[] = [];
    for (let row = reader.next(); row >= 0; row = reader.next()) seen.push(row);
    return seen;
  };
  assert.deepEqual(all(), [0, 1, 2]);
  log.append(7);
  log.append(5);
  assert.deepEqual(all(), [7, 5]);
  for (let i = 0; i < 70_000; i++) log.append(9);
  assert.deepEqual(all(), [0, 1, 2]);
  assert.equal(reader.isBehind, false);
});
