// Goal: who has the CPU that a thread waits for is never the thread itself, though the probes write while they are read.
// Method: a state that moves between two reads, by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loop_state, WHERE_RUNNABLE, WHERE_RUNNING } from '../probes/layouts.ts';
import { openTurnFrom, type StateBytes } from './open-turn.ts';

const EPOCH = 7;
const RIVAL = { pid: 40, comm: 'rival', kernelThread: false };
const ITSELF = { pid: 50, comm: 'itself', kernelThread: false };

function state(where: number, chargedNs: bigint): StateBytes {
  const bytes = new Uint8Array(loop_state.byteLength);
  const view = new DataView(bytes.buffer);
  const { at } = loop_state;
  view.setUint32(at.armed_at_start, EPOCH, true);
  view.setBigUint64(at.segment_start_ns, 1000n, true);
  view.setUint32(at.where, where, true);
  view.setBigUint64(at.since_ns, where === WHERE_RUNNABLE ? 2000n : chargedNs, true);
  view.setBigUint64(at.charged_ns, chargedNs, true);
  return { bytes, view };
}

/** What each read in turn finds; the last for ever. */
function seen(states: StateBytes[], holders: (typeof RIVAL)[]) {
  const next = <T>(values: T[]) => (values.length > 1 ? values.shift()! : values[0]!);
  const turn = openTurnFrom({ state: () => next(states), holderOf: () => next(holders) }, EPOCH);
  assert.equal(turn?.kind, 'work');
  return (turn as Extract<typeof turn, { kind: 'work' }>).seen!;
}

test('it waits, and another has its CPU', () => {
  const { now, owner } = seen([state(WHERE_RUNNABLE, 2500n)], [RIVAL]);
  assert.deepEqual([now, owner.holder], ['runnable', RIVAL]);
});

test('it was given the CPU between the two reads: it runs, and nobody keeps it', () => {
  const { now } = seen([state(WHERE_RUNNABLE, 2500n), state(WHERE_RUNNING, 3000n)], [ITSELF]);
  assert.equal(now, 'running');
});

test('another took the CPU between them: that one', () => {
  const states = [state(WHERE_RUNNABLE, 2500n), state(WHERE_RUNNABLE, 3000n)];
  assert.equal(seen(states, [ITSELF, RIVAL]).owner.holder, RIVAL);
});

test('it never stands still: who has it is not known', () => {
  const states = Array.from({ length: 20 }, (_, i) => state(WHERE_RUNNABLE, BigInt(2500 + i)));
  assert.equal(seen(states, [ITSELF]).owner.holder, null);
});
