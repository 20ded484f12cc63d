// Goal: the words of the command line mean what they say, and nonsense is refused with what to type.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoopscopeError } from '../../base/errors.ts';
import { trace } from '../../trace.ts';
import { requestOf } from './trace.ts';

const cases: [string[], { pid?: string; binary?: string }, object][] = [
  [['syscalls', 'nginx'], {}, { what: 'syscalls', process: 'nginx' }],
  [['syscalls'], { pid: 'nginx' }, { what: 'syscalls', process: 'nginx' }],
  [['sched', ':80'], {}, { what: 'sched', process: ':80' }],
  [['f', 'libc:g'], { pid: '1' }, { what: 'functions', functions: ['f', 'libc:g'], process: '1' }],
  [['f'], { binary: '/x' }, { what: 'functions', functions: ['f'], binary: '/x' }],
  [['f', 'syscalls'], { pid: '1' }, { what: 'functions', functions: ['f', 'syscalls'], process: '1' }],
];

for (const [words, flags, expected] of cases) {
  test(`trace ${words.join(' ')} ${JSON.stringify(flags)}`, () =>
    assert.deepEqual(requestOf(words, flags), expected));
}

for (const [words, flags, pattern] of [
  [['syscalls', 'a', 'b'], {}, /one process/],
  [['sched', 'a'], { pid: 'b' }, /one process/],
  [['syscalls', 'a'], { binary: '/x' }, /--binary/],
  [['syscals', ':80'], {}, /no process to look for a function called syscals in/],
] as const) {
  test(`refused: trace ${words.join(' ')} ${JSON.stringify(flags)}`, () => {
    assert.throws(() => requestOf(words, flags), pattern);
  });
}

test('without a process there is a word about what to add', async () => {
  const hintOf = (request: Parameters<typeof trace>[0]) =>
    trace(request).then(
      () => assert.fail('it was traced'),
      (error: LoopscopeError) => `${error.code} ${error.hint}`,
    );
  assert.match(await hintOf({ what: 'syscalls' }), /^USAGE .*trace syscalls nginx/);
  assert.match(await hintOf({ what: 'functions', functions: ['f'] }), /^USAGE .*--pid PROCESS, or --binary/);
});
