// Goal: a log's requests go out at its times, each client's in order, and each is counted once, whatever connections do;
// nobody waits for another client, and memory is bounded. Method: a driver on a loop and a clock made for the purpose, fed
// by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/helpers/depth.ts';
import { createReplayRequest, type ReplayRequest } from '../../plan/replay/replay-request.ts';
import { isConserved } from '../load-collector.ts';
import { type Rig, type Settings, START_NS, setUp, TIMEOUT_NS } from '../testing/driver-rig.ts';
import { createRing, RECORD_LIMIT } from './ring-memory.ts';
import { RingWriter } from './ring-writer.ts';

const REPLY = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
const MS = 1e6;
const HOUR_NS = 3600e9;

type Line = Partial<ReplayRequest> & { text?: string };

function replayRig({
  isTimed = true,
  waitingLimit = 100,
  ...given
}: Settings & Partial<Settings['replay']> = {}) {
  const ring = createRing(1);
  const writer = new RingWriter(ring);
  const rig = setUp({ connections: 2, ...given, replay: { ring, isTimed, waitingLimit } });
  let lastNs = -1;
  return {
    ...rig,
    writer,
    /** Hands over one request; false when there is no room. */
    log({ text = 'x', ...line }: Line): boolean {
      const bytes = Buffer.from(text);
      const request = { ...createReplayRequest(), bytes, end: bytes.length, ...line };
      const isTaken = writer.push(request, lastNs < 0 ? -1 : request.plannedNs - lastNs);
      if (isTaken) lastNs = request.plannedNs;
      return isTaken;
    },
    reply(conn: number) {
      rig.loop.unanswered[conn] = 0;
      rig.loop.deliver(conn, REPLY);
    },
  };
}

const sent = ({ loop }: Pick<Rig, 'loop'>) => loop.copied.map(({ conn, text }) => `${text}@${conn}`);

test('requests go out at their times, on any free connection', () => {
  const rig = replayRig();
  rig.log({ text: 'a', session: 1, plannedNs: 0 });
  rig.log({ text: 'b', session: 2, plannedNs: 3 * MS });
  rig.writer.end();
  rig.begin();
  assert.deepEqual(sent(rig).length, 1);
  assert.equal(rig.loop.lastWaitNs, 3 * MS);
  rig.advance(3 * MS - 1);
  assert.equal(rig.loop.sentCount, 1);
  rig.advance(1);
  assert.deepEqual(
    sent(rig).map((each) => each[0]),
    ['a', 'b'],
  );
  rig.reply(0);
  rig.reply(1);
  rig.advance(0);
  assert.ok(rig.driver.isFinished, 'the log has ended, and so have its requests');
  assert.deepEqual([rig.counter('planned'), rig.counter('ok')], [2, 2]);
});

test('a client’s next waits for the reply to the one before and goes out where that was; others do not wait for it', () => {
  const rig = replayRig();
  rig.log({ text: 'a1', session: 1, plannedNs: 0 });
  rig.log({ text: 'a2', session: 1, plannedNs: 1 * MS });
  rig.log({ text: 'a3', session: 1, plannedNs: 1 * MS });
  rig.log({ text: 'b1', session: 2, plannedNs: 2 * MS });
  rig.begin();
  rig.advance(2 * MS);
  const conn = rig.loop.copied[0]!.conn;
  assert.deepEqual(sent(rig), [`a1@${conn}`, `b1@${1 - conn}`]);
  rig.reply(1 - conn);
  rig.reply(conn);
  assert.deepEqual(sent(rig).slice(2), [`a2@${conn}`], 'not on the free one');
  rig.reply(conn);
  assert.deepEqual(sent(rig).slice(3), [`a3@${conn}`]);
  const { waitedCount, movedCount, disorderedCount } = rig.tally()!;
  assert.deepEqual([waitedCount, movedCount, disorderedCount], [2, 0, 0]);
});

test('a client that rests keeps its connection, until another needs one', () => {
  const rig = replayRig();
  rig.log({ text: 'a1', session: 1, plannedNs: 0 });
  rig.log({ text: 'b1', session: 2, plannedNs: 1 * MS });
  rig.log({ text: 'a2', session: 1, plannedNs: 2 * MS });
  rig.log({ text: 'b2', session: 2, plannedNs: 3 * MS });
  rig.log({ text: 'c1', session: 3, plannedNs: 4 * MS });
  rig.log({ text: 'a3', session: 1, plannedNs: 5 * MS });
  rig.begin();
  for (let ms = 0; ms < 6; ms++) {
    for (const conn of [0, 1]) if (rig.loop.unanswered[conn]! > 0) rig.reply(conn);
    rig.advance(MS);
  }
  const conns = Object.fromEntries(rig.loop.copied.map(({ conn, text }) => [text, conn]));
  assert.deepEqual([conns.a1, conns.b1], [conns.a2, conns.b2]);
  assert.equal(conns.c1, conns.a2, 'of the two, the one that was used last longer ago');
  assert.equal(rig.tally()!.movedCount, 1, 'a3');
});

test('whose connection is lost goes on over another', () => {
  const rig = replayRig();
  rig.log({ text: 'a1', session: 1, plannedNs: 0 });
  rig.log({ text: 'a2', session: 1, plannedNs: 0 });
  rig.begin();
  const conn = rig.loop.copied[0]!.conn;
  rig.loop.peerCloses(conn, 104);
  rig.advance(0);
  assert.deepEqual(sent(rig), [`a1@${conn}`, `a2@${1 - conn}`]);
  assert.deepEqual([rig.counter('error'), rig.tally()!.movedCount], [1, 1]);
});

test('a client waits no longer for a reply than the timeout', () => {
  const rig = replayRig({ connections: 1 });
  rig.log({ text: 'a1', session: 1, plannedNs: 0 });
  rig.log({ text: 'a2', session: 1, plannedNs: 0 });
  rig.begin();
  rig.advance(TIMEOUT_NS);
  while (rig.loop.connecting.length > 0) rig.loop.finishConnect(0);
  rig.advance(0);
  assert.deepEqual(sent(rig), ['a1@0', 'a2@1']);
  rig.reply(0);
  assert.deepEqual([rig.counter('lateReplies'), rig.counter('ok')], [1, 0]);
  rig.reply(1);
  assert.deepEqual([rig.counter('timeout'), rig.counter('ok')], [1, 1]);
});

test('more that waits than there is room for: the longest waiting is never sent, and is counted', () => {
  const rig = replayRig({ connections: 1, waitingLimit: 3 });
  const limit = 1 + 1 + 2 + 3;
  for (let i = 0; i < 20; i++) rig.log({ text: String(i), session: i % 3, plannedNs: i });
  rig.writer.end();
  rig.begin();
  rig.advance(20);
  assert.deepEqual([rig.counter('planned'), rig.counter('waiting')], [20, limit - 1]);
  assert.equal(rig.counter('unsent'), 20 - limit);
  for (let i = 0; i < limit; i++) {
    rig.advance(MS);
    rig.reply(0);
  }
  assert.deepEqual(
    rig.loop.copied.map(({ text }) => Number(text)),
    [0, ...Array.from({ length: limit - 1 }, (_, i) => 20 - limit + 1 + i)],
  );
  rig.advance(0);
  assert.ok(rig.driver.isFinished);
  assert.ok(isConserved(rig.outcome().counts));
});

test('at full speed each free connection takes the next, in order of clients', () => {
  const rig = replayRig({ isTimed: false });
  for (const text of ['a1', 'a2', 'b1', 'a3', 'b2', 'c1']) {
    rig.log({ text, session: text.charCodeAt(0), plannedNs: 0 });
  }
  rig.writer.end();
  rig.begin();
  assert.deepEqual(
    rig.loop.copied.map(({ text }) => text),
    ['a1', 'b1'],
  );
  assert.equal(rig.counter('planned'), 2, 'a request is due when it can go out');
  for (let i = 0; i < 10 && !rig.driver.isFinished; i++) {
    for (const conn of [0, 1]) if (rig.loop.unanswered[conn]! > 0) rig.reply(conn);
    rig.advance(MS);
  }
  assert.ok(rig.driver.isFinished);
  const order = (client: string) =>
    rig.loop.copied.map(({ text }) => text).filter((text) => text.startsWith(client));
  assert.deepEqual([order('a'), order('b'), order('c')], [['a1', 'a2', 'a3'], ['b1', 'b2'], ['c1']]);
  assert.deepEqual([rig.counter('ok'), rig.counter('planned'), rig.counter('unsent')], [6, 6, 0]);
});

test('a reader that is late is counted, and looked for again soon', () => {
  const rig = replayRig();
  rig.begin();
  assert.ok(rig.loop.lastWaitNs <= MS, 'an empty ring is looked at again soon');
  rig.advance(5 * MS);
  rig.log({ text: 'a', session: 1, plannedNs: 2 * MS });
  rig.log({ text: 'b', session: 2, plannedNs: 5.5 * MS });
  rig.advance(MS);
  assert.equal(rig.loop.sentCount, 2);
  const { starvedCount, starvedNsMax } = rig.tally()!;
  assert.deepEqual([starvedCount, starvedNsMax], [1, 3 * MS]);
});

test('replies are held against the log: status, size, and how long it took there', () => {
  const rig = replayRig({ connections: 1 });
  const lines = [
    { loggedStatus: 200, loggedBytes: 2, loggedNs: 1000 },
    { loggedStatus: 404, loggedBytes: 5, loggedNs: -1 },
    { loggedStatus: 0, loggedBytes: -1, loggedNs: 2000, route: 3 },
    { loggedStatus: 404, loggedBytes: 9, loggedNs: -1 },
  ];
  for (const [session, line] of lines.entries()) rig.log({ ...line, session, plannedNs: 150 * MS + session });
  rig.begin();
  rig.advance(150 * MS + 10);
  rig.reply(0);
  rig.reply(0);
  rig.reply(0);
  rig.loop.deliver(
    0,
    Buffer.from('HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n'),
  );
  const { statusMatrix, sizes, logged } = rig.tally()!;
  assert.deepEqual(statusMatrix.sort(), [
    [0, 200, 1],
    [200, 200, 1],
    [404, 200, 1],
    [404, 404, 1],
  ]);
  assert.deepEqual(sizes, { equal: 1, larger: 0, smaller: 2, unknown: 1, moreBytes: 0, fewerBytes: 3 + 5 });
  assert.deepEqual(
    logged.map((counts) => counts?.reduce((sum, count) => sum + count, 0) ?? null).slice(0, 5),
    [1, null, null, 1, null],
  );
  assert.deepEqual(
    [rig.counter('ok'), rig.counter('wrong')],
    [4, 0],
    'an error that the log has too is none',
  );
});

test('HEAD has no body, and nothing follows a request that closes', () => {
  const rig = replayRig({ connections: 1 });
  rig.log({ text: 'h', session: 1, plannedNs: 0, noBody: true });
  rig.log({ text: 'c', session: 2, plannedNs: 0, closes: true });
  rig.log({ text: 'd', session: 3, plannedNs: 0 });
  rig.begin();
  rig.loop.deliver(0, Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n'));
  assert.deepEqual(sent(rig), ['h@0', 'c@0']);
  rig.reply(0);
  assert.equal(rig.counter('retired'), 1);
  rig.advance(0);
  rig.loop.finishConnect(0);
  assert.equal(rig.loop.copied.length, 3);
});

/** A log of one request every `stepNs`, written as fast as there is room. */
function day(stepNs: number, speed: number, count: number) {
  return { count, plannedNs: (nth: number) => (nth * stepNs) / speed };
}

test('a day at any speed ends on time', () => {
  for (const speed of [0.5, 1, 3]) {
    // Three files' worth, one after another in one schedule.
    const { count, plannedNs } = day(30e9, speed, (3 * 24 * HOUR_NS) / 30e9);
    const rig = replayRig({ durationNs: 200 * HOUR_NS });
    let nth = 0;
    let lagNsMax = 0;
    const write = () => {
      while (nth < count && rig.log({ session: nth % 7, plannedNs: plannedNs(nth) })) nth++;
      if (nth === count) rig.writer.end();
    };
    write();
    rig.begin();
    for (let turn = 0; turn < 10 * count && !rig.driver.isFinished; turn++) {
      const before = rig.loop.sentCount;
      rig.advance(Math.max(1, rig.loop.lastWaitNs));
      if (rig.loop.sentCount > before) {
        const dueNs = START_NS + plannedNs(rig.loop.sentCount - 1);
        lagNsMax = Math.max(lagNsMax, rig.clock.nowNs - dueNs);
      }
      for (const conn of [0, 1]) if (rig.loop.unanswered[conn]! > 0) rig.reply(conn);
      write();
      // Sleeps of 50 ms for days would be no test but a wait.
      const { nowNs } = rig.clock;
      const nextNs = START_NS + plannedNs(rig.loop.sentCount);
      if (nextNs - nowNs > 100 * MS) rig.clock.nowNs = nextNs - 50 * MS;
    }
    assert.equal(rig.loop.sentCount, count);
    assert.ok(lagNsMax <= MS, `${lagNsMax} ns`);
    assert.equal(rig.counter('planned'), count);
  }
});

test('positions in a ring go past 2^32', () => {
  const ring = createRing(64);
  const control = new Int32Array(ring.control);
  const near = 2 ** 31 - 3;
  // As after more than two thousand million records, and as many bytes.
  control.fill(near, 0, 4);
  const writer = new RingWriter(ring);
  const rig = setUp({ connections: 1, replay: { ring, isTimed: true, waitingLimit: 4 } });
  for (let i = 0; i < 10; i++) {
    const bytes = Buffer.from(`request ${i}`);
    const request = { ...createReplayRequest(), bytes, end: bytes.length, session: i, plannedNs: i };
    assert.ok(writer.push(request, 0));
  }
  rig.begin();
  for (let i = 0; i < 10; i++) {
    rig.advance(1);
    rig.loop.deliver(0, REPLY);
  }
  assert.deepEqual(
    rig.loop.copied.map(({ text }) => text),
    Array.from({ length: 10 }, (_, i) => `request ${i}`),
  );
});

test('a full ring takes nothing, and a request longer than it can hold is known beforehand', () => {
  const rig = replayRig({ connections: 1 });
  const long = 'y'.repeat(rig.writer.longest);
  let count = 0;
  while (rig.log({ text: long, session: count, plannedNs: count })) count++;
  assert.equal(count, 4);
  rig.begin();
  rig.advance(10);
  assert.ok(rig.log({ text: 'z', plannedNs: 11 }), 'what waits is no longer in the ring');
  const small = replayRig();
  let records = 0;
  while (small.log({ text: '', plannedNs: 1e9 })) records++;
  assert.equal(records, RECORD_LIMIT);
});

type Step =
  | { do: 'advance'; ns: number }
  | { do: 'log'; session: number; gapNs: number; closes: boolean }
  | { do: 'reply' | 'last' | 'part' | 'garbage' | 'close' | 'reset'; conn: number }
  | { do: 'connect'; errno: number };
const conn = fc.nat(6);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance' as const), ns: fc.nat(9e6) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('log' as const),
      session: fc.nat(5),
      gapNs: fc.nat(2e6),
      closes: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('reply' as const), conn }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'last' as const,
        'part' as const,
        'garbage' as const,
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

test('any history: each request is counted once, each client’s go out in order', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 300 }),
      fc.record({
        isTimed: fc.boolean(),
        connections: fc.integer({ min: 1, max: 4 }),
        waitingLimit: fc.integer({ min: 1, max: 12 }),
        asideLimit: fc.integer({ min: 0, max: 4 }),
        requestsPerConnection: fc.constantFrom(null, null, 1, 3),
        tickNs: fc.constantFrom(0, 700),
      }),
      fc.boolean(),
      (steps, given, stopEarly) => {
        const rig = replayRig(given);
        let plannedNs = 0;
        let nth = 0;
        rig.begin();
        for (const each of steps) {
          if (each.do === 'advance') rig.advance(each.ns);
          else if (each.do === 'log') {
            plannedNs += each.gapNs;
            rig.log({
              text: `${each.session} ${nth++}`,
              session: each.session,
              plannedNs,
              closes: each.closes,
            });
          } else if (each.do === 'connect') rig.loop.finishConnect(each.errno);
          else if (each.do === 'close') rig.loop.peerCloses(each.conn, 0);
          else if (each.do === 'reset') rig.loop.peerCloses(each.conn, 104);
          else if (each.do === 'part') rig.loop.deliver(each.conn, REPLY.subarray(0, 5));
          else if (each.do === 'garbage') rig.loop.deliver(each.conn, new Uint8Array(4).fill(255));
          else if (each.do === 'last')
            rig.loop.deliver(each.conn, Buffer.from('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'));
          else rig.reply(each.conn);
          assert.ok(rig.counter('inFlight') <= given.connections, 'one under way on each');
        }
        rig.writer.end();
        if (stopEarly) rig.stop();
        for (let i = 0; i < 2000 && !rig.driver.isFinished; i++) rig.advance(5 * MS);
        assert.ok(rig.driver.isFinished, 'the run ends');
        const { counts } = rig.outcome();
        assert.ok(isConserved(counts), JSON.stringify(counts));
        assert.equal(counts.planned - counts.unsent, rig.counter('sent'));
        assert.equal(rig.loop.copied.length, rig.counter('sent'));
        const last = new Map<string, number>();
        for (const { text } of rig.loop.copied) {
          const [client, order] = text.split(' ') as [string, string];
          assert.ok(
            Number(order) > (last.get(client) ?? -1),
            `client ${client}: ${order} after ${last.get(client)}`,
          );
          last.set(client, Number(order));
        }
        assert.equal(rig.tally()!.disorderedCount, 0);
      },
    ),
    { numRuns: runs(150) },
  );
});
