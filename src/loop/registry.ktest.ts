// Goal: the back end asked for is the one given, or the refusal says why; and neither back end runs wild when
// descriptors run out. Method: createLoop in this process, and a child with a low limit on open files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { needs } from '../../test/helpers/needs.ts';
import { createClock } from '../base/clock.ts';
import { LoopscopeError } from '../base/errors.ts';
import { NO_IO_URING_VARIABLE, probeIoUring } from '../kernel/features.ts';
import type { LoopOptions } from './event-loop.ts';
import { createLoop } from './registry.ts';

const options: LoopOptions = {
  connectionLimit: 1,
  nowNs: createClock().nowNs,
  handlers: { onConnect() {}, onAccept() {}, onData() {}, onClose() {}, onTurn: () => 0 },
};

test('createLoop gives what is asked for', () => {
  using epoll = createLoop(options, 'epoll');
  assert.equal(epoll.backend, 'epoll');
  using best = createLoop(options);
  assert.equal(best.backend, probeIoUring().available ? 'ring' : 'epoll');
});

test('without io_uring, auto takes epoll and ring is refused with the reason', () => {
  const before = process.env[NO_IO_URING_VARIABLE];
  process.env[NO_IO_URING_VARIABLE] = '1';
  try {
    using loop = createLoop(options, 'auto');
    assert.equal(loop.backend, 'epoll');
    assert.throws(
      () => createLoop(options, 'ring'),
      (error) =>
        error instanceof LoopscopeError &&
        error.code === 'KERNEL_FEATURE' &&
        /LOOPSCOPE_NO_IO_URING=1/.test(error.message) &&
        /epoll/.test(error.hint),
    );
  } finally {
    if (before === undefined) delete process.env[NO_IO_URING_VARIABLE];
    else process.env[NO_IO_URING_VARIABLE] = before;
  }
});

test('a disposed loop refuses to turn, and may be disposed again', () => {
  for (const backend of ['auto', 'epoll'] as const) {
    const loop = createLoop(options, backend);
    loop[Symbol.dispose]();
    loop[Symbol.dispose]();
    assert.throws(() => loop.turn(), LoopscopeError);
    assert.equal(loop.send(0, loop.allocateSendMemory(1), 0, 1), false);
  }
});

/** Clients take every descriptor there is, so that none is left to accept with; then some close. */
const SCARCE = `
  import { createMonotonicClock } from '${new URL('../kernel/clock.ts', import.meta.url)}';
  import { createLoop } from '${new URL('./registry.ts', import.meta.url)}';
  const clients = new Set();
  let accepted = 0, refused = 0, answered = 0;
  const { nowNs } = createMonotonicClock();
  const loop = createLoop({ connectionLimit: 200, nowNs, handlers: {
    onConnect(conn, errno) { if (errno) refused++; else loop.sendCopy(conn, new Uint8Array(1), 0, 1); },
    onAccept(conn) { accepted++; },
    onData(conn) { if (!clients.has(conn)) { answered++; loop.close(conn); } },
    onClose(conn) { clients.delete(conn); },
    onTurn() { return 1e9; },
  } }, process.argv[1]);
  const address = { kind: 'unix', path: '@loopscope-scarce-' + process.pid };
  loop.listen(address);
  let opened = 0;
  try { for (; opened < 200; opened++) clients.add(loop.connect(address)); } catch (error) { refused++; }
  const turnFor = (ns, done) => {
    const untilNs = nowNs() + ns;
    while (!done() && nowNs() < untilNs) loop.turn();
  };
  turnFor(0.35e9, () => false);
  const starved = { answered, waits: loop.stats.waitCount, short: loop.stats.shortageCount };
  let closing = 5;
  for (const conn of clients) if (closing-- > 0) { loop.close(conn); clients.delete(conn); }
  turnFor(5e9, () => answered >= opened - 5);
  console.log(JSON.stringify({ opened, refused, answered, starved }));
  loop[Symbol.dispose]();
`;

for (const backend of ['ring', 'epoll'] as const) {
  test(`${backend}: accepting waits for descriptors without spinning`, (t) => {
    const { available, reason } = probeIoUring();
    if (backend === 'ring' && !needs(t, available, reason)) return;
    const result = spawnSync(
      'sh',
      [
        '-c',
        'ulimit -n 60; exec "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1" "$2"',
        process.execPath,
        SCARCE,
        backend,
      ],
      { encoding: 'utf8' },
    );
    assert.equal(result.status, 0, result.stderr);
    const { opened, refused, answered, starved } = JSON.parse(result.stdout);
    assert.equal(refused, 1, 'connect() itself ran out once');
    assert.ok(opened > 10 && opened < 60, `${opened} opened`);
    // No descriptor is left to accept with: nothing is answered, and nobody turns in circles for it.
    assert.equal(starved.answered, 0);
    assert.ok(starved.short > 0);
    assert.ok(starved.waits < 40, `${starved.waits} waits in 0.35 s`);
    // Five closes make room for five, whose closes make room for the others.
    assert.ok(answered >= opened - 5, `${answered} of ${opened} answered`);
  });
}
