// Goal: each late or unsent request is counted under what took most of its wait, and outages and silences are told when
// there was one, and only then. Method: made-up turns over counters of our own; no clock, no loop.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERRNO } from '../../kernel/errno.ts';
import { sharedOutages } from '../hindrances.ts';
import { COUNTER, createThreadMemory, WAIT } from '../tally/thread-memory.ts';
import { Outages } from './outages.ts';
import { Silence } from './silence.ts';
import { WaitReasons } from './wait-reasons.ts';

const MS = 1e6;

function waits(suspended: { ns: number } = { ns: 0 }) {
  const { counters } = createThreadMemory();
  const reasons = new WaitReasons(counters, () => suspended.ns);
  reasons.start(0);
  const late = () => Object.values(WAIT).map((reason) => counters[COUNTER.late + reason]);
  return { counters, reasons, late };
}

describe('why a request waited', () => {
  test('sent in time: nothing is counted', () => {
    const { reasons, late } = waits();
    reasons.turn(10 * MS);
    reasons.sent(9.5 * MS, 10 * MS);
    assert.deepEqual(late(), [0, 0, 0, 0, 0]);
  });

  test('the loop came as it was to, and found all connections taken', () => {
    const { reasons, late } = waits();
    for (let at = 0; at <= 2000; at += 50) {
      reasons.turn(at * MS);
      reasons.waits((at + 50) * MS);
    }
    reasons.sent(100 * MS, 2000 * MS);
    assert.deepEqual(late(), [1, 0, 0, 0, 0]);
  });

  test('no connection was open, now or until a moment ago', () => {
    const { counters, reasons, late } = waits();
    counters[COUNTER.downSinceNs] = 500 * MS;
    for (let at = 500; at <= 2500; at += 50) {
      reasons.turn(at * MS);
      reasons.waits((at + 50) * MS);
    }
    reasons.unsent(600 * MS, 2500 * MS);
    assert.equal(counters[COUNTER.unsentFor + WAIT.noConnection], 1);
    counters[COUNTER.downSinceNs] = 0;
    reasons.turn(2550 * MS);
    reasons.sent(700 * MS, 2560 * MS);
    reasons.sent(2555 * MS, 2560 * MS);
    assert.deepEqual(late(), [0, 1, 1, 0, 0], 'the last was due after it, and the turn took so long');
  });

  test('the client stood still: told in the next turn, and by the first event of it', () => {
    for (const first of ['turn', 'event'] as const) {
      const { reasons, late } = waits();
      reasons.turn(100 * MS);
      reasons.waits(101 * MS);
      if (first === 'event') assert.equal(reasons.runs(2100 * MS), true);
      else assert.equal(reasons.turn(2100 * MS), true);
      reasons.sent(101 * MS, 2100.1 * MS);
      reasons.sent(1500 * MS, 2100.1 * MS);
      assert.deepEqual(late(), [0, 0, 2, 0, 0]);
      assert.deepEqual(reasons.longestAbsence, { fromNs: 101 * MS, toNs: 2100 * MS });
    }
  });

  test('its client’s one before had no end for most of the time, or never', () => {
    const { reasons, late, counters } = waits();
    for (let at = 0; at <= 2000; at += 50) {
      reasons.turn(at * MS);
      reasons.waits((at + 50) * MS);
    }
    reasons.sent(100 * MS, 2000 * MS, 1500 * MS);
    reasons.sent(100 * MS, 2000 * MS, 500 * MS);
    reasons.unsent(100 * MS, 2000 * MS, Number.POSITIVE_INFINITY);
    assert.deepEqual(late(), [1, 0, 0, 0, 1]);
    assert.equal(counters[COUNTER.unsentFor + WAIT.predecessor], 1);
  });

  test('the machine was suspended', () => {
    const suspended = { ns: 5 };
    const { reasons, late } = waits(suspended);
    reasons.turn(100 * MS);
    reasons.waits(101 * MS);
    suspended.ns = 60_000 * MS;
    reasons.turn(150 * MS);
    reasons.sent(110 * MS, 150 * MS);
    assert.deepEqual(late(), [0, 0, 0, 1, 0]);
  });

  test('many short spans: the oldest are forgotten, nothing is counted twice', () => {
    const { reasons, late } = waits();
    for (let at = 0; at < 500; at++) {
      reasons.turn((at + 0.9) * MS);
      reasons.waits((at + 1) * MS);
    }
    reasons.sent(490 * MS, 499.9 * MS);
    assert.deepEqual(late(), [0, 0, 1, 0, 0]);
  });
});

describe('outages', () => {
  function server() {
    const { counters } = createThreadMemory();
    const outages = new Outages(counters);
    counters[COUNTER.lastErrno] = ERRNO.ECONNREFUSED;
    outages.start();
    return { counters, outages };
  }

  test('a server that ends, and comes back', () => {
    const { counters, outages } = server();
    outages.look(1000 * MS);
    counters[COUNTER.closedByPeer] = 7;
    outages.look(2000 * MS);
    counters[COUNTER.closedByPeer] = 10;
    counters[COUNTER.downSinceNs] = 2010 * MS;
    counters[COUNTER.unanswered] = 5;
    outages.look(2011 * MS);
    counters[COUNTER.unanswered] = 62;
    outages.look(3000 * MS);
    const gone = { fromNs: 2010 * MS, toNs: null, closed: 10, refused: 62, errno: 'ECONNREFUSED' };
    assert.deepEqual(outages.records, [gone]);
    counters[COUNTER.downSinceNs] = 0;
    outages.look(4000 * MS);
    outages.look(5000 * MS);
    assert.deepEqual(outages.records, [{ ...gone, toNs: 4000 * MS }]);
  });

  test('a proxy that says that the server is gone', () => {
    const { counters, outages } = server();
    counters[COUNTER.lastErrno] = -503;
    counters[COUNTER.downSinceNs] = 10 * MS;
    counters[COUNTER.unanswered] = 5;
    outages.look(11 * MS);
    assert.equal(outages.records[0]!.errno, 'proxy 503');
  });

  test('look-alike: connections that are closed and opened again, and connects that fail for want of ours', () => {
    const { counters, outages } = server();
    counters[COUNTER.closedByPeer] = 10;
    counters[COUNTER.downSinceNs] = 100 * MS;
    counters[COUNTER.failed] = 30;
    outages.look(101 * MS);
    counters[COUNTER.downSinceNs] = 0;
    outages.look(102 * MS);
    assert.deepEqual(outages.records, []);
  });

  test('of several threads: the times that all agree on', () => {
    const at = (fromNs: number, toNs: number | null) => ({
      ...{ fromNs, toNs, closed: 5, refused: 7, errno: 'ECONNREFUSED' },
    });
    assert.deepEqual(sharedOutages([[at(10, 20), at(50, null)], [at(12, 22)]]), [
      { ...at(12, 20), closed: 10, refused: 14 },
    ]);
    assert.equal(sharedOutages([[at(50, null)], [at(55, null)]])[0]!.toNs, null);
    assert.deepEqual(sharedOutages([[at(1, 2)], []]), []);
  });
});

describe('silence', () => {
  test('with requests under way and the client there, until something comes', () => {
    const { counters } = createThreadMemory();
    const silence = new Silence(counters);
    silence.broken(0, false);
    silence.turnEnds(500 * MS);
    assert.equal(silence.longest.toNs, 0, 'nobody was asked anything');
    counters[COUNTER.inFlight] = 3;
    silence.turnEnds(600 * MS);
    silence.turnEnds(900 * MS);
    silence.broken(1000 * MS, true);
    assert.deepEqual(silence.longest, { fromNs: 600 * MS, toNs: 1000 * MS });
    silence.broken(5000 * MS, false);
    silence.turnEnds(5001 * MS);
    assert.deepEqual(silence.longest, { fromNs: 600 * MS, toNs: 1000 * MS }, 'the client was away');
  });
});
