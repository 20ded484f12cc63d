// Goal: names as people know them, and V8's own profiles as stacks. Method: tables of what V8 and compilers write.
import assert from 'node:assert/strict';
import type { Profiler } from 'node:inspector';
import { test } from 'node:test';
import { stacksOf } from './inspection.ts';
import { plainName, withoutArguments } from './plain-name.ts';

const SCRIPTS: [string, string][] = [
  ['JS:*feed file:///srv/my codec.ts:12:3', 'feed file:///srv/my codec.ts:12:3'],
  ['JS:*feed file:///srv/codec.ts:12:3', 'feed (codec.ts:12)'],
  ["JS:*'spinHere /srv/app.js:1:18", 'spinHere (app.js:1)'],
  ['JS:~#onData file:///a/driver.ts:166:10', '#onData (driver.ts:166)'],
  ['JS:o+ node:internal/timers:5:1', '(anonymous) (node:internal/timers:5)'],
  ['LazyCompile:*handle /srv/app.js:12', 'handle (app.js:12)'],
  ['JS:^evalmachine', 'evalmachine'],
  ['Builtin:ArrayMap', 'Builtin:ArrayMap'],
];
for (const [text, name] of SCRIPTS) test(`script: ${text}`, () => assert.equal(plainName(text), name));

const NATIVE: [string, string][] = [
  ['v8::internal::Heap::Scavenge()', 'v8::internal::Heap::Scavenge'],
  ['f(int, char*)', 'f'],
  ['std::function<void (int)>::operator()(int) const', 'std::function<void (int)>::operator()'],
  ['(anonymous namespace)::work(int)', '(anonymous namespace)::work'],
  ['node::(anonymous namespace)::Run(void*)', 'node::(anonymous namespace)::Run'],
  ['syscall', 'syscall'],
];
for (const [text, name] of NATIVE) test(`native: ${text}`, () => assert.equal(withoutArguments(text), name));

test('a profile of V8’s is stacks from the thread on, without sleep', () => {
  const node = (
    id: number,
    functionName: string,
    url: string,
    hitCount: number,
    children: number[] = [],
  ) => ({
    id,
    hitCount,
    children,
    callFrame: { functionName, scriptId: '1', url, lineNumber: 9, columnNumber: 0 },
  });
  const nodes: Profiler.ProfileNode[] = [
    node(1, '(root)', '', 0, [2, 4]),
    node(2, 'run', 'file:///a/load-thread.ts', 1, [3]),
    node(3, '', 'node:vm', 7),
    node(4, '(idle)', '', 100),
  ];
  assert.deepEqual(
    stacksOf({ nodes }, 2).map(({ frames, count }) => [...frames.map(({ name }) => name), count]),
    [
      ['load thread 2', 'run (load-thread.ts:10)', 1],
      ['load thread 2', 'run (load-thread.ts:10)', '(anonymous) (node:vm:10)', 7],
    ],
  );
});
