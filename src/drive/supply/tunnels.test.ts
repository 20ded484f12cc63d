// Goal: a connection through a proxy is open when its tunnel stands, and not before; whatever the proxy answers instead is
// counted by its name, waited after, and never taken for a reply. Method: a driver on a loop and a clock of the test's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/helpers/depth.ts';
import { isConserved } from '../load-collector.ts';
import { CONNECT_TIMEOUT_NS, REPLY, type Rig, setUp, TUNNEL_REQUEST } from '../testing/driver-rig.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const STANDS = bytes('HTTP/1.1 200 Connection established\r\n\r\n');
const REFUSED = bytes('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 9\r\n\r\nwho, you?');

/** A closed loop whose connections all have reached the proxy. */
function reached(connections = 2): Rig {
  const rig = setUp({ connections, ratePerSec: null, tunnel: true });
  rig.begin();
  return rig;
}

const requestsOf = ({ loop }: Rig) => loop.sentCount - loop.copied.length;

test('nothing is sent but CONNECT until the tunnel stands; then requests are', () => {
  const rig = reached();
  assert.deepEqual(
    rig.loop.copied.map(({ text }) => text),
    [TUNNEL_REQUEST, TUNNEL_REQUEST],
  );
  assert.equal(requestsOf(rig), 0);
  assert.equal(rig.counter('open'), 0);
  assert.equal(rig.driver.supply.isSettled, false);
  rig.loop.deliver(0, STANDS);
  assert.equal(rig.counter('open'), 1);
  rig.advance(1e6);
  assert.equal(requestsOf(rig), 1);
  rig.loop.deliver(0, REPLY);
  assert.equal(rig.counter('ok'), 1);
  assert.equal(rig.counter('bytesReceived'), REPLY.length, 'the proxy’s answer is no byte of the load');
});

test('the answer may come in pieces, after an interim one, from HTTP/1.0, with fields of a body', () => {
  for (const answer of [
    STANDS,
    bytes('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'),
    bytes('HTTP/1.0 200 Connection established\r\nProxy-agent: x\r\n\r\n'),
    bytes('HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n'),
    bytes('HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n'),
  ]) {
    for (const cutAt of [0, 1, 9, answer.length - 2, answer.length]) {
      const rig = reached(1);
      rig.loop.deliver(0, answer.subarray(0, cutAt));
      rig.loop.deliver(0, answer.subarray(cutAt));
      assert.equal(rig.counter('open'), 1, `${answer} cut at ${cutAt}`);
      assert.equal(rig.counter('failed'), 0);
    }
  }
});

test('what the target says by itself right behind the answer is no reply', () => {
  const rig = reached(1);
  rig.loop.deliver(0, Buffer.concat([STANDS, REPLY]));
  assert.equal(rig.counter('ok'), 0);
  assert.equal(rig.counter('unasked'), 1);
  assert.equal(rig.counter('opened'), 1);
});

const WAYS: [name: string, answer: (rig: Rig) => void, kind: string, said: string][] = [
  [
    'refuses',
    ({ loop }) => loop.deliver(0, REFUSED),
    'status 407 from the proxy',
    'HTTP/1.1 407 Proxy Authentication Required who, you?',
  ],
  [
    'redirects',
    ({ loop }) => loop.deliver(0, bytes('HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n')),
    'status 302 from the proxy',
    'HTTP/1.1 302 Found',
  ],
  [
    'refuses with a page',
    ({ loop }) =>
      loop.deliver(0, bytes('HTTP/1.0 403 No\r\n\r\n<!DOCTYPE html>\n<h1>Not <b>here</b></h1><p')),
    'status 403 from the proxy',
    'HTTP/1.0 403 No Not here',
  ],
  ['closes', ({ loop }) => loop.peerCloses(0, 0), 'closed by the proxy', ''],
  [
    'closes within its answer',
    ({ loop }) => {
      loop.deliver(0, STANDS.subarray(0, 12));
      loop.peerCloses(0, 0);
    },
    'closed by the proxy',
    '',
  ],
  ['resets', ({ loop }) => loop.peerCloses(0, 104), 'closed by the proxy', ''],
  [
    'speaks another protocol',
    ({ loop }) => loop.deliver(0, bytes('SSH-2.0-x\u001b[2J\r\n')),
    'not HTTP from the proxy',
    'SSH-2.0-x·[2J',
  ],
  [
    'upgrades',
    ({ loop }) => loop.deliver(0, bytes('HTTP/1.1 101 Switching\r\n\r\n')),
    'unexpected upgrade from the proxy',
    'HTTP/1.1 101 Switching',
  ],
  [
    'has no end of headers',
    ({ loop }) => loop.deliver(0, bytes(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(5000)}`)),
    'headers too long from the proxy',
    `HTTP/1.1 200 OK ${'a: b '.repeat(21)}a…`,
  ],
  ['is silent', (rig) => rig.advance(CONNECT_TIMEOUT_NS), 'no answer from the proxy', ''],
  [
    'is slow within its answer',
    (rig) => {
      rig.loop.deliver(0, STANDS.subarray(0, 12));
      rig.advance(CONNECT_TIMEOUT_NS);
    },
    'no answer from the proxy',
    '',
  ],
];
for (const [name, answer, kind, said] of WAYS) {
  test(`a proxy that ${name}: counted, told, and tried again later`, () => {
    const rig = reached(1);
    answer(rig);
    const { supply } = rig.driver;
    assert.deepEqual([...supply.failedByErrno], [[kind, 1]]);
    assert.equal(supply.tunnels!.tally.problem, kind);
    if (!said.endsWith('…')) assert.equal(supply.tunnels!.tally.said, said);
    else assert.match(supply.tunnels!.tally.said, /^HTTP\/1\.1 200 OK (a: b ?)+/);
    assert.equal(rig.counter('failed'), 1);
    assert.equal(rig.counter('opened'), 0);
    assert.equal(rig.counter('turnedAway'), 0, 'it never was a connection');
    assert.equal(rig.loop.open.size, 0, 'nothing is left open');
    rig.advance(1e6);
    assert.equal(rig.loop.connecting.length, 0, 'not at once');
    rig.advance(5e6);
    assert.equal(rig.loop.connecting.length, 1, 'after a back-off');
    rig.loop.finishConnect(0);
    rig.loop.deliver(0, STANDS);
    assert.equal(rig.counter('open'), 1);
  });
}

test('a gateway that did not reach the target says that nobody is there; other refusals do not', () => {
  for (const [status, count] of [
    [502, 1],
    [503, 1],
    [504, 1],
    [403, 0],
    [407, 0],
    [500, 0],
  ] as const) {
    const rig = reached(1);
    rig.loop.deliver(0, bytes(`HTTP/1.1 ${status} x\r\n\r\n`));
    assert.equal(rig.counter('unanswered'), count, String(status));
    assert.equal(rig.counter('lastErrno'), count === 1 ? -status : 0);
  }
});

test('one that closes a tunnel that stood: the next is asked for, and its requests are not lost', () => {
  const rig = reached(1);
  rig.loop.deliver(0, STANDS);
  rig.advance(1e6);
  rig.loop.deliver(0, REPLY);
  rig.loop.peerCloses(0, 0);
  rig.advance(1e6);
  rig.loop.finishConnect(0);
  assert.equal(rig.loop.copied.length, 2);
  rig.loop.deliver(0, STANDS);
  assert.equal(rig.counter('reopened'), 1);
  assert.equal(rig.driver.supply.tunnels!.tally.opened, 2);
});

test('how long tunnels took is from the connect to the answer', () => {
  const rig = reached(2);
  rig.advance(2e6);
  rig.loop.deliver(0, STANDS);
  rig.advance(4e6);
  rig.loop.deliver(1, STANDS);
  const { opened, handshakeNsSum, handshakeNsMax } = rig.driver.supply.tunnels!.tally;
  // They were connected 1 ms before the load began.
  assert.deepEqual([opened, handshakeNsSum, handshakeNsMax], [2, 3e6 + 7e6, 7e6]);
});

const conn = fc.nat(3);
const step = fc.oneof(
  fc.record({ do: fc.constant('advance' as const), conn, ns: fc.integer({ min: 0, max: 9e6 }) }),
  fc.record({
    do: fc.constantFrom(
      'stands' as const,
      'stands' as const,
      'part' as const,
      'refused' as const,
      'garbage' as const,
    ),
    conn,
  }),
  fc.record({ do: fc.constantFrom('reply' as const, 'reply' as const, 'close' as const), conn }),
  fc.record({ do: fc.constant('connect' as const), conn }),
);

test('any history of tunnels: no connection is lost or held twice, and each request is counted once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.constantFrom(null, 1000), (steps, ratePerSec) => {
      const rig = setUp({ connections: 3, ratePerSec, tunnel: true });
      const { driver, loop } = rig;
      rig.begin();
      for (const each of steps) {
        if (each.do === 'advance') rig.advance(each.ns);
        else if (each.do === 'connect') loop.finishConnect(0);
        else if (each.do === 'close') loop.peerCloses(each.conn, 0);
        else if (each.do === 'stands') loop.deliver(each.conn, STANDS);
        else if (each.do === 'part') loop.deliver(each.conn, STANDS.subarray(0, 7));
        else if (each.do === 'refused') loop.deliver(each.conn, REFUSED);
        else if (each.do === 'garbage') loop.deliver(each.conn, bytes('\xff\xff\xff\xff'));
        else loop.deliver(each.conn, REPLY);
        assert.ok(rig.counter('open') <= 3);
        assert.ok(rig.counter('open') <= loop.open.size);
        assert.ok(loop.lastWaitNs >= 0 || driver.isFinished);
      }
      for (let i = 0; i < 500 && !driver.isFinished; i++) rig.advance(5e6);
      assert.ok(driver.isFinished, 'the run ends');
      const { counts } = rig.outcome();
      assert.ok(isConserved(counts), JSON.stringify(counts));
      assert.equal(counts.planned - counts.unsent, rig.counter('sent'));
      assert.equal(requestsOf(rig), rig.counter('sent') + rig.counter('sentAgain'));
    }),
    { numRuns: runs(60) },
  );
});
