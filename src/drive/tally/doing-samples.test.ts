// Goal: looks divide a thread's work as it was. Method: a thread that does one thing after another, looked at each time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DoingSampler } from './doing-samples.ts';
import { COUNTER, createThreadMemory, DOING } from './thread-memory.ts';

test('each look counts for what is done just then, thread by thread', () => {
  const memories = [createThreadMemory(), createThreadMemory()];
  const sampler = new DoingSampler(memories);
  for (const doing of [DOING.other, DOING.parsing, DOING.parsing, DOING.checking]) {
    memories[1]!.counters[COUNTER.doing] = doing;
    sampler.look();
  }
  assert.deepEqual(sampler.of(0), { count: 4, parsing: 0, checking: 0 });
  assert.deepEqual(sampler.of(1), { count: 4, parsing: 2, checking: 1 });
});
