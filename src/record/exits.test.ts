// Goal: a watch is called incomplete for what it lost, not for a server's ordinary children. Method: a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missedExits } from './exits.ts';
import type { Run } from './run.ts';

type Loop = [pid: number, startSec: number, endSec: number | null];

const MASTER = 100;

function runOf(loops: Loop[], exits: number[]): Run {
  const observation = {
    loops: loops.map(([pid, startSec, endSec]) => ({
      pid,
      startNs: startSec * 1e9,
      endNs: endSec === null ? null : endSec * 1e9,
    })),
    exits: exits.map((pid) => ({ pid, atNs: 3e9 })),
  };
  return { header: { watchedPids: [MASTER] }, observation } as unknown as Run;
}

const CASES: [name: string, loops: Loop[], exits: number[], missed: number[]][] = [
  ['nobody ended', [[101, 0, null]], [], []],
  ['a snapshot’s child, no loop itself', [[MASTER, 0, null]], [13070], []],
  ['several of them', [[MASTER, 0, null]], [13070, 13071, 13072], []],
  [
    'a child that looked like a loop, and came later',
    [
      [MASTER, 0, null],
      [13070, 2, 3],
    ],
    [13070],
    [],
  ],
  [
    'old workers after a reload',
    [
      [101, 0, 3],
      [102, 0.01, 3],
      [103, 2.9, null],
      [104, 2.9, null],
    ],
    [101, 102],
    [],
  ],
  [
    'a worker that died, with nobody in its place',
    [
      [101, 0, 3],
      [102, 0.01, null],
    ],
    [101],
    [101],
  ],
  [
    'a worker that died while a child came and went',
    [
      [101, 0, 3],
      [102, 0.01, null],
      [103, 1, 2],
    ],
    [101, 103],
    [101],
  ],
  ['the named process', [[MASTER, 0, 3]], [MASTER], [MASTER]],
  ['the named master of workers that went on', [[101, 0, null]], [MASTER], [MASTER]],
  [
    'everybody',
    [
      [101, 0, 3],
      [102, 0, 3],
    ],
    [101, 102, MASTER],
    [101, 102, MASTER],
  ],
  ['a watch that found no loop', [], [13070], []],
];

for (const [name, loops, exits, missed] of CASES) {
  test(name, () => {
    assert.deepEqual(
      missedExits(runOf(loops, exits)).map(({ pid }) => pid),
      missed,
    );
  });
}

test('a run that watched nobody', () => {
  assert.deepEqual(missedExits({ ...runOf([], []), observation: null }), []);
});
