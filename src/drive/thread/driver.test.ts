// Goal: whatever happens to connections, in whatever order, each planned request is counted exactly once, and a reply
// is never taken for another request's. Method: random histories on a loop and a clock made for the purpose.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/helpers/depth.ts';
import { isConserved } from '../load-collector.ts';
import { COUNTER, WAIT } from '../tally/thread-memory.ts';
import {
  CONNECT_TIMEOUT_NS,
  DURATION_NS,
  REPLY,
  START_NS,
  setUp,
  TIMEOUT_NS,
} from '../testing/driver-rig.ts';
import type { FakeLoop } from '../testing/fake-loop.ts';

const HTTP_REPLY = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
const LAST_REPLY = Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');

type Step =
  | { do: 'advance'; ns: number }
  | { do: 'reply' | 'last' | 'part' | 'garbage' | 'twice' | 'close' | 'reset'; conn: number }
  | { do: 'connect'; errno: number }
  | { do: 'stop' };

const conn = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ns: fc.integer({ min: 0, max: 9e6 }) }),
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('reply' as const), conn }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'last' as const,
        'part' as const,
        'garbage' as const,
        'twice' as const,
        'close' as const,
        'reset' as const,
      ),
      conn,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('connect' as const), errno: fc.constantFrom(0, 0, 0, 111) }),
  },
);
const history = fc.tuple(fc.array(step, { maxLength: 300 }), fc.boolean());
const settings = fc.record({
  connections: fc.integer({ min: 1, max: 4 }),
  ratePerSec: fc.constantFrom(50, 1000, 5000, null),
  queueLimit: fc.integer({ min: 1, max: 20 }),
  depth: fc.constantFrom(1, 1, 2, 5),
  tickNs: fc.constantFrom(0, 700),
  thinkNs: fc.constantFrom(0, 0, 7e6),
  asideLimit: fc.integer({ min: 0, max: 4 }),
  requestsPerConnection: fc.constantFrom(null, null, 1, 3),
  isLast: fc.constantFrom(false, false, true),
  http: fc.constantFrom(undefined, { method: 'GET' }, { method: 'GET' }, { method: 'POST' }),
  requestLimit: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 1, 3, 20),
});

test('any history: planned = ok + wrong + error + timeout + unsent + unfinished', () => {
  fc.assert(
    fc.property(history, settings, ([steps, stopEarly], { http, ...others }) => {
      const given = http === undefined ? others : { ...others, http };
      const reply = http === undefined ? REPLY : HTTP_REPLY;
      const last = http === undefined ? REPLY : LAST_REPLY;
      const { driver, loop, advance, begin, outcome, stop, clock, counter, memory } = setUp(given);
      begin();
      for (const each of steps) {
        if (each.do === 'advance') advance(each.ns);
        else if (each.do === 'connect') loop.finishConnect(each.errno);
        else if (each.do === 'stop') stop();
        else if (each.do === 'close') loop.peerCloses(each.conn, 0);
        else if (each.do === 'reset') loop.peerCloses(each.conn, 104);
        else if (each.do === 'part') loop.deliver(each.conn, reply.subarray(0, 3));
        else if (each.do === 'garbage') loop.deliver(each.conn, new Uint8Array(4).fill(255));
        else if (each.do === 'twice') loop.deliver(each.conn, Uint8Array.from([...reply, ...reply]));
        else if (each.do === 'last') loop.deliver(each.conn, last);
        else loop.deliver(each.conn, reply);
        if (http === undefined) {
          assert.ok(
            counter('inFlight') <= loop.open.size * given.depth,
            'no more than may be under way (D2)',
          );
        }
        assert.ok(
          counter('inFlight') <= given.connections * given.depth,
          'nor than all wanted may have (D2)',
        );
        assert.ok(counter('planned') <= given.requestLimit, 'no more than asked for');
        assert.ok(counter('open') <= given.connections, 'one connection a place (K1)');
        assert.ok(loop.connectionCount <= given.connections + given.asideLimit, 'few are kept aside (S2)');
        assert.ok(loop.lastWaitNs >= 0 || driver.isFinished);
      }
      if (stopEarly) stop();
      for (let i = 0; i < 2000 && !driver.isFinished; i++) advance(5e6);
      assert.ok(driver.isFinished, 'the run ends');
      const { counts, blocks } = outcome();
      assert.ok(isConserved(counts), JSON.stringify(counts));
      for (const key of Object.keys(counts) as (keyof typeof counts)[]) {
        assert.equal(
          blocks.reduce((sum, block) => sum + block.counts[key], 0),
          counts[key],
          key,
        );
      }
      assert.equal(counts.planned - counts.unsent, counter('sent'));
      assert.equal(loop.sentCount, counter('sent') + counter('sentAgain'));
      const why = Object.values(WAIT).map((reason) => memory.counters[COUNTER.unsentFor + reason]!);
      assert.equal(counts.unsent, why[0]! + why[1]! + why[2]! + why[3]!, 'each has one reason');
      assert.equal(counter('inFlight'), 0);
      if (given.ratePerSec !== null && !stopEarly && clock.nowNs > START_NS + DURATION_NS) {
        assert.equal(counts.planned, Math.min(given.requestLimit, (given.ratePerSec * DURATION_NS) / 1e9));
      }
    }),
    { numRuns: runs(150) },
  );
});

test('so many requests: exactly these, and the end comes with the last answer', () => {
  for (const [ratePerSec, depth, thinkNs] of [
    [null, 1, 0],
    [null, 16, 0],
    [null, 1, 7e6],
    [1000, 1, 0],
    [1000, 16, 0],
  ] as const) {
    for (const requestLimit of [1, 9, 40]) {
      const { driver, loop, advance, begin, outcome } = setUp({
        connections: 10,
        ratePerSec,
        depth,
        thinkNs,
        requestLimit,
      });
      begin();
      for (let ms = 0; ms < 100 && !driver.isFinished; ms++) {
        for (const conn of loop.open) {
          for (; loop.unanswered[conn]! > 0; loop.unanswered[conn]!--) loop.deliver(conn, REPLY);
        }
        advance(1e6);
        assert.ok(loop.lastWaitNs > 0 || driver.isFinished, 'it sleeps while there is nothing to do');
      }
      const what = `${requestLimit} at ${ratePerSec}, depth ${depth}`;
      assert.ok(driver.isFinished, what);
      assert.ok(driver.endedNs < START_NS + DURATION_NS, what);
      const { counts } = outcome();
      assert.deepEqual([counts.planned, counts.ok], [requestLimit, requestLimit], what);
      assert.equal(loop.sentCount, requestLimit, what);
    }
  }
});

test('of so many requests, one without an answer is waited for as long as any other', () => {
  const { driver, advance, begin, counter, outcome } = setUp({ ratePerSec: null, requestLimit: 2 });
  begin();
  advance(TIMEOUT_NS - 1e6);
  assert.ok(!driver.isFinished);
  advance(2e6);
  assert.ok(driver.isFinished);
  assert.equal(counter('timeout'), 2);
  assert.equal(outcome().counts.planned, 2);
});

test('a share of none ends as it begins', () => {
  const { driver, begin, loop } = setUp({ ratePerSec: null, requestLimit: 0 });
  begin();
  assert.ok(driver.isFinished);
  assert.equal(loop.sentCount, 0);
});

test('a timed-out connection makes room at once, and its late reply is still matched', () => {
  const { loop, advance, begin, counter } = setUp({ connections: 1, ratePerSec: 10 });
  begin();
  assert.equal(loop.sentCount, 1);
  advance(TIMEOUT_NS);
  assert.deepEqual([counter('timeout'), counter('open')], [1, 0]);
  assert.equal(loop.connecting.length, 1, 'another is opened in its place');
  loop.finishConnect(0);
  loop.deliver(0, REPLY);
  assert.deepEqual([counter('lateReplies'), counter('ok')], [1, 0]);
  assert.ok(!loop.open.has(0), 'its place is taken');
  advance(TIMEOUT_NS);
  assert.equal(loop.sentCount, 2, 'the next request goes out on the other');
  loop.deliver(1, REPLY);
  assert.deepEqual([counter('ok'), counter('reopened'), counter('open')], [1, 1, 1]);
});

test('silence: as many requests as timeouts fit into the run', () => {
  for (const [depth, asideLimit] of [
    [1, 2],
    [1, 0],
    [4, 2],
  ] as const) {
    const { loop, advance, begin, counter, outcome } = setUp({
      connections: 2,
      ratePerSec: null,
      depth,
      asideLimit,
    });
    begin();
    for (let ms = 1; ms < DURATION_NS / 1e6; ms++) {
      advance(1e6);
      while (loop.connecting.length > 0) loop.finishConnect(0);
      advance(0);
    }
    assert.equal(counter('sent'), 2 * depth * (DURATION_NS / TIMEOUT_NS));
    assert.ok(loop.open.size <= 2 + asideLimit);
    advance(TIMEOUT_NS);
    assert.equal(outcome().counts.timeout, counter('sent'));
  }
});

test('a connection without even a late reply is given up after as long again', () => {
  const { loop, advance, begin } = setUp({ connections: 1, ratePerSec: 10 });
  begin();
  advance(TIMEOUT_NS);
  assert.ok(loop.open.has(0));
  advance(TIMEOUT_NS);
  assert.ok(!loop.open.has(0));
});

test('whose successor could not be opened serves again after its late reply', () => {
  const { loop, advance, begin, counter } = setUp({ connections: 1, ratePerSec: 10 });
  begin();
  advance(TIMEOUT_NS);
  loop.finishConnect(111);
  assert.equal(loop.connecting.length, 0);
  loop.deliver(0, REPLY);
  assert.deepEqual([counter('lateReplies'), counter('open'), counter('reopened')], [1, 1, 0]);
  advance(TIMEOUT_NS);
  assert.equal(loop.sentCount, 2);
  assert.equal(loop.unanswered[0], 2, 'on the same connection');
  assert.equal(loop.connecting.length, 0, 'and no other is opened');
});

test('free connections are used in turn', () => {
  const { loop, advance, begin } = setUp({ connections: 3, ratePerSec: 1000 });
  begin();
  const used: number[] = [];
  for (let i = 0; i < 6; i++) {
    const busy = loop.unanswered.findIndex((count) => count > 0);
    used.push(busy);
    loop.unanswered[busy] = 0;
    loop.deliver(busy, REPLY);
    advance(1e6);
  }
  assert.deepEqual(used, [0, 1, 2, 0, 1, 2]);
});

test('the wait is until the next request is due, and no longer than a stop may take to be noticed', () => {
  const { loop, advance, begin } = setUp({ connections: 1, ratePerSec: 1000 });
  begin();
  loop.deliver(0, REPLY);
  advance(400e3);
  assert.equal(Math.round(loop.lastWaitNs), 600_000);
  const slow = setUp({ connections: 1, ratePerSec: 10 });
  slow.begin();
  slow.loop.deliver(0, REPLY);
  slow.advance(0);
  assert.equal(slow.loop.lastWaitNs, 50e6);
});

test('a lost target is tried again with patience, and all are back soon once it listens', () => {
  const { loop, advance, begin, counter } = setUp({ connections: 100, ratePerSec: 1000 });
  begin();
  for (let conn = 0; conn < 100; conn++) loop.peerCloses(conn, 104);
  let attempts = 0;
  const tryFor = (ms: number, errno: number) => {
    for (; ms > 0; ms--) {
      advance(1e6);
      attempts += loop.connecting.length;
      while (loop.connecting.length > 0) loop.finishConnect(errno);
      for (const conn of loop.open) {
        for (; loop.unanswered[conn]! > 0; loop.unanswered[conn]!--) loop.deliver(conn, REPLY);
      }
    }
  };
  tryFor(200, 111);
  assert.ok(
    attempts >= 20 && attempts <= 10 + 20,
    `${attempts} attempts: the first ten at once, then 100 a second`,
  );
  assert.ok(counter('downSinceNs') > 0);
  tryFor(100, 0);
  assert.equal(loop.open.size, 100);
  assert.equal(counter('downSinceNs'), 0);
});

test('who is turned away waits, whatever the others are told, and what it was told is kept', () => {
  const { loop, advance, begin, counter, driver } = setUp({ connections: 50, ratePerSec: 2000 });
  begin();
  const kept = new Set([...loop.open].slice(0, 10));
  const no = new TextEncoder().encode('-ERR full\r\nsee the manual');
  let attempts = 0;
  for (let ms = 0; ms < 350; ms++) {
    for (const conn of loop.open) {
      if (kept.has(conn) && loop.unanswered[conn]! > 0) {
        loop.unanswered[conn] = 0;
        loop.deliver(conn, REPLY);
      } else if (!kept.has(conn)) {
        if (loop.unanswered[conn] === 0) loop.deliver(conn, no);
        loop.peerCloses(conn, 0);
      }
    }
    advance(1e6);
    attempts += loop.connecting.length;
    while (loop.connecting.length > 0) loop.finishConnect(0);
  }
  assert.ok(attempts >= 20 && attempts <= 10 + 35, `${attempts} attempts`);
  assert.ok(counter('turnedAway') >= 40);
  assert.equal(driver.supply.refusal.text, '-ERR full');
  advance(DURATION_NS);
  assert.equal(counter('held'), 10);
});

test('a server that closes after each good reply is met as fast as it answers', () => {
  const { loop, advance, begin, counter } = setUp({ connections: 2, ratePerSec: 1000 });
  begin();
  for (let ms = 0; ms < 200; ms++) {
    for (const conn of [...loop.open]) {
      if (loop.unanswered[conn]! > 0) loop.deliver(conn, REPLY);
      loop.peerCloses(conn, 0);
    }
    advance(1e6);
    while (loop.connecting.length > 0) loop.finishConnect(0);
    advance(0);
  }
  assert.ok(counter('ok') >= 195, `${counter('ok')} answers`);
});

test('an early stop leaves what is under way as unfinished', () => {
  const { loop, advance, begin, stop, driver, outcome } = setUp({ connections: 2, ratePerSec: 1000 });
  begin();
  advance(3e6);
  stop();
  advance(1e6);
  loop.deliver(0, REPLY);
  for (let i = 0; i < 100 && !driver.isFinished; i++) advance(10e6);
  const { counts } = outcome();
  assert.deepEqual([counts.ok, counts.timeout + counts.unfinished], [1, 1]);
  assert.equal(counts.planned, 5);
  assert.equal(counts.unsent, 3);
});

test('replies on one connection belong to its requests in order, also when several come at once', () => {
  const { loop, advance, begin, counter } = setUp({ connections: 1, ratePerSec: 1000, depth: 3 });
  begin();
  advance(4e6);
  assert.equal(loop.unanswered[0], 3, 'three under way, the rest waits');
  loop.deliver(0, Uint8Array.from([...REPLY, ...REPLY, ...REPLY.subarray(0, 2)]));
  assert.equal(counter('ok'), 2);
  loop.deliver(0, REPLY.subarray(2));
  assert.equal(counter('ok'), 3);
});

test('a closed loop keeps each connection full, and fills it with one piece', () => {
  const { loop, begin, counter } = setUp({ connections: 2, ratePerSec: null, depth: 4 });
  begin();
  assert.equal(loop.sentCount, 8);
  loop.deliver(0, Uint8Array.from([...REPLY, ...REPLY]));
  assert.deepEqual([counter('ok'), loop.sentCount], [2, 10]);
  assert.equal(counter('inFlight'), 8);
});

test('of several requests on one connection each has its own timeout, and leaves room for another', () => {
  const settings = { connections: 1, ratePerSec: 100, depth: 4 };
  const { loop, advance, begin, counter } = setUp(settings);
  begin();
  for (let i = 0; i < 3; i++) advance(10e6);
  assert.equal(counter('sent'), 4);
  advance(TIMEOUT_NS - 30e6);
  assert.equal(counter('timeout'), 1);
  advance(10e6);
  assert.equal(counter('timeout'), 2);
  loop.finishConnect(0);
  advance(0);
  assert.equal(counter('sent'), 6, 'as many go out on another as are late');
  loop.deliver(0, Uint8Array.from([...REPLY, ...REPLY, ...REPLY]));
  assert.deepEqual([counter('lateReplies'), counter('ok'), counter('timeout')], [2, 1, 2]);
});

test('nothing follows a late request, so that patience never ends with one that still has time', () => {
  const settings = { connections: 1, ratePerSec: 1000, depth: 100, queueLimit: 500, tickNs: 700 };
  const { clock, loop, begin, counter, recorder, driver } = setUp(settings);
  begin();
  while (!driver.isFinished && loop.open.has(0)) {
    clock.nowNs = Math.ceil(clock.nowNs / 1e6) * 1e6 + 1;
    loop.turnAt(clock.nowNs);
  }
  assert.equal(recorder.errorsByKind.size, 0, [...recorder.errorsByKind.keys()].join());
  assert.equal(counter('timeout'), counter('sent'));
});

test('what is sent in the last turn has its whole time too: only an early stop leaves something unfinished', () => {
  const { clock, loop, begin, counter, driver } = setUp({ connections: 4, ratePerSec: 10, tickNs: 700 });
  begin();
  loop.deliver(0, REPLY);
  // One late turn finds the end passed, and three requests due before it.
  for (let turnNs = START_NS + DURATION_NS; !driver.isFinished; turnNs += loop.lastWaitNs) {
    clock.nowNs = turnNs;
    loop.turnAt(turnNs);
  }
  assert.deepEqual([counter('sent'), counter('timeout'), counter('unfinished')], [4, 3, 0]);
});

test('a connection rests between a reply and its next request', () => {
  const { loop, advance, begin, counter } = setUp({ connections: 2, ratePerSec: null, thinkNs: 20e6 });
  begin();
  loop.deliver(0, REPLY);
  loop.deliver(1, REPLY);
  advance(19e6);
  assert.equal(loop.sentCount, 2);
  assert.equal(loop.lastWaitNs, 1e6);
  advance(1e6);
  assert.deepEqual([loop.sentCount, counter('planned')], [4, 4]);
});

test('replies that come after sending has ended are told apart: they are no throughput', () => {
  const { loop, advance, begin, counter } = setUp({ connections: 2, ratePerSec: null });
  begin();
  const both = () => [0, 1].map((conn) => loop.deliver(conn, REPLY));
  for (let round = 0; round < 10; round++) {
    both();
    advance(DURATION_NS / 10);
  }
  both();
  assert.deepEqual([counter('ok'), counter('answeredInTime')], [22, 20]);
});

test('a rest outlasts the connection: whoever closes it, the next request waits as long', () => {
  const lose: [how: string, requestsPerConnection: number | null, (loop: FakeLoop) => void][] = [
    ['its share is used up', 1, (loop) => loop.deliver(0, REPLY)],
    ['closed while it rests', null, (loop) => [loop.deliver(0, REPLY), loop.peerCloses(0, 0)]],
    ['reset instead of a reply', null, (loop) => loop.peerCloses(0, 104)],
  ];
  for (const [how, requestsPerConnection, act] of lose) {
    const { loop, advance, begin } = setUp({
      connections: 1,
      ratePerSec: null,
      thinkNs: 20e6,
      requestsPerConnection,
    });
    begin();
    act(loop);
    assert.equal(loop.open.size, 0, how);
    advance(5e6);
    assert.equal(loop.connecting.length, 1, `${how}: opened anew at once`);
    loop.finishConnect(0);
    advance(14e6);
    assert.equal(loop.sentCount, 1, how);
    advance(1e6);
    assert.equal(loop.sentCount, 2, how);
  }
});

test('a connection that has had its share of requests is replaced', () => {
  const { loop, advance, begin, counter } = setUp({
    connections: 1,
    ratePerSec: null,
    requestsPerConnection: 2,
  });
  begin();
  loop.deliver(0, REPLY);
  assert.ok(loop.open.has(0));
  loop.deliver(0, REPLY);
  assert.deepEqual([loop.open.size, counter('retired')], [0, 1]);
  advance(1e3);
  assert.equal(loop.connecting.length, 1, 'its successor is opened at once');
  loop.finishConnect(0);
  advance(1e3);
  assert.deepEqual([loop.sentCount, counter('reopened'), counter('error')], [3, 1, 0]);
});

test('closes of idle connections, and replies nobody asked for, are counted and are no errors', () => {
  const { loop, advance, begin, counter } = setUp({ connections: 2, ratePerSec: 10 });
  begin();
  loop.deliver(0, REPLY);
  const [first, second] = [...loop.open].filter((conn) => loop.unanswered[conn] === 0 || conn === 0);
  loop.deliver(second ?? first!, REPLY);
  advance(1e3);
  assert.deepEqual([counter('unasked'), counter('closedIdle')], [1, 0]);
  loop.peerCloses([...loop.open][0]!, 0);
  assert.deepEqual([counter('unasked'), counter('closedIdle'), counter('error')], [1, 1, 0]);
});

test('nothing follows a request that says it is the last of its connection', () => {
  const { loop, advance, begin, counter } = setUp({
    connections: 1,
    ratePerSec: null,
    depth: 4,
    isLast: true,
  });
  begin();
  assert.equal(loop.sentCount, 1, 'not even pipelined');
  loop.deliver(0, REPLY);
  assert.deepEqual([loop.open.size, counter('ok'), counter('error'), counter('retired')], [0, 1, 0, 1]);
  advance(1e3);
  loop.finishConnect(0);
  advance(1e3);
  assert.equal(loop.sentCount, 2, 'the next goes over a new connection');
});

test('a connect that takes too long is given up and counted', () => {
  const { loop, advance, begin, counter } = setUp({ connections: 1, ratePerSec: 10 });
  begin();
  loop.peerCloses(0, 104);
  for (let ms = 0; ms < 6 && loop.connecting.length === 0; ms++) advance(1e6);
  assert.equal(loop.connecting.length, 1);
  advance(CONNECT_TIMEOUT_NS);
  assert.deepEqual([loop.connecting.length, counter('failed')], [0, 1]);
});

test('fewer descriptors than connections: the rest is asked for now and then, and the count of those held is true', () => {
  const { loop, advance, begin, counter, driver } = setUp({ connections: 100, ratePerSec: 1000 });
  loop.descriptorLimit = 27;
  begin();
  for (let ms = 0; ms < DURATION_NS / 1e6 + 1; ms++) {
    for (const conn of loop.open) {
      for (; loop.unanswered[conn]! > 0; loop.unanswered[conn]!--) loop.deliver(conn, REPLY);
    }
    advance(1e6);
  }
  assert.deepEqual([counter('held'), counter('opened')], [27, 27]);
  const failures = driver.supply.failedByErrno.get('EMFILE')!;
  assert.ok(failures >= 1 && failures <= 6, `${failures} failures`);
  assert.equal(counter('failed'), failures);
});

test('several addresses are taken by turns, and each place keeps its own', () => {
  const addresses = ['10.0.0.1', '::1', '10.0.0.2'].map((host) => ({ kind: 'tcp' as const, host, port: 80 }));
  const { loop, advance, begin } = setUp({ connections: 5, ratePerSec: 10, addresses });
  begin();
  assert.deepEqual(loop.connectedTo, ['10.0.0.1:80', '[::1]:80', '10.0.0.2:80', '10.0.0.1:80', '[::1]:80']);
  loop.peerCloses(2, 0);
  for (let ms = 0; ms < 6; ms++) advance(1e6);
  assert.equal(loop.connectedTo.at(-1), '10.0.0.2:80');
});

/** How a server says that it will answer no more on a connection. */
const ENDINGS: [how: string, end: (loop: FakeLoop) => void][] = [
  ['Connection: close', (loop) => loop.deliver(0, LAST_REPLY)],
  [
    'a body that the close ends',
    (loop) => {
      loop.deliver(0, Buffer.from('HTTP/1.1 200 OK\r\n\r\nanything'));
      loop.peerCloses(0, 0);
    },
  ],
];

/** Three requests under way on a lone connection, due 110, 120 and 130 ms after the start: now. */
function pipeline(method: string, requestLimit = Number.POSITIVE_INFINITY) {
  const rig = setUp({ connections: 1, ratePerSec: 100, depth: 3, http: { method }, requestLimit });
  rig.begin();
  for (let i = 0; i < 11; i++) {
    rig.loop.deliver(0, HTTP_REPLY);
    rig.advance(10e6);
  }
  rig.advance(10e6);
  rig.advance(10e6);
  return rig;
}

test('what was sent behind an announced close is sent again elsewhere, ahead of what is due, at its own time', () => {
  for (const [how, end] of ENDINGS) {
    const { loop, advance, counter, recorder } = pipeline('GET');
    end(loop);
    assert.deepEqual([counter('ok'), counter('error'), counter('inFlight')], [12, 0, 2], how);
    advance(10e6);
    loop.finishConnect(0);
    assert.equal(loop.unanswered[0], 2, `${how}: the two go out as soon as there is a connection`);
    advance(0);
    assert.equal(loop.unanswered[0], 3, `${how}: and then what is due`);
    loop.deliver(0, Buffer.concat([HTTP_REPLY, HTTP_REPLY]));
    assert.deepEqual([counter('ok'), counter('sentAgain'), counter('error')], [14, 2, 0], how);
    assert.equal(counter('sent'), 15, `${how}: the second time is no second request`);
    const spans = recorder.slowest.records().map(({ responseNs, outcome: { plannedNs, sentNs } }) => ({
      dueNs: plannedNs - START_NS,
      sentNs: sentNs! - START_NS,
      responseNs,
    }));
    assert.deepEqual(
      spans.sort((a, b) => a.dueNs - b.dueNs).slice(-3),
      [
        { dueNs: 110e6, sentNs: 110e6, responseNs: 20e6 },
        { dueNs: 120e6, sentNs: 120e6, responseNs: 20e6 },
        { dueNs: 130e6, sentNs: 130e6, responseNs: 10e6 },
      ],
      how,
    );
  }
});

test('behind an announced close, what is not idempotent has failed', () => {
  for (const [how, end] of ENDINGS) {
    const { loop, counter, recorder } = pipeline('POST');
    end(loop);
    assert.deepEqual([counter('ok'), counter('error'), counter('inFlight')], [12, 2, 0], how);
    assert.deepEqual([...recorder.errorsByKind], [['sent before the server announced its close', 2]]);
  }
});

test('what waits to be sent again is no new request, and outlasts the end of sending', () => {
  const { loop, advance, counter, driver } = pipeline('GET', 14);
  loop.deliver(0, LAST_REPLY);
  advance(DURATION_NS);
  assert.ok(!driver.isFinished);
  assert.equal(loop.connecting.length, 1, 'a connection is opened for it');
  loop.finishConnect(0);
  loop.deliver(0, Buffer.concat([HTTP_REPLY, HTTP_REPLY]));
  advance(1e6);
  assert.ok(driver.isFinished);
  assert.deepEqual([counter('planned'), counter('ok'), counter('unfinished')], [14, 14, 0]);
});

test('whose second connection never comes is unfinished in the end', () => {
  const { loop, advance, counter, driver, outcome } = pipeline('GET');
  loop.deliver(0, LAST_REPLY);
  for (let i = 0; i < 100 && !driver.isFinished; i++) {
    advance(10e6);
    while (loop.connecting.length > 0) loop.finishConnect(111);
  }
  assert.ok(driver.isFinished);
  assert.equal(counter('unfinished'), 2);
  assert.ok(isConserved(outcome().counts));
});
