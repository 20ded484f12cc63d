// Goal: checks begin, end and are judged as they should, whatever upstreams do and however the roster changes meanwhile.
// Method: a loop whose events the test makes, on a clock that it moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventLoop, LoopHandlers } from '../../../../loop/event-loop.ts';
import { Roster } from '../rows/roster.ts';
import { HEALTH, STAT, UpstreamRows } from '../rows/upstream-rows.ts';
import { type CheckSettings, DEFAULT_CHECKS } from './check-settings.ts';
import { Checker } from './checker.ts';

const MS = 1e6;

function rig(names: readonly string[], settings: Partial<CheckSettings> = {}) {
  const rows = new UpstreamRows(new ArrayBuffer(UpstreamRows.byteLength(64)), 64);
  const roster = new Roster(rows);
  for (const name of names) roster.add({ name, weight: 1 });
  let handlers!: LoopHandlers;
  let nowNs = 0;
  /** Ports under way, by connection. */
  const open = new Map<number, number>();
  const sent: string[] = [];
  const broken = { isShort: false };
  const loop = {
    connect(address: { port: number }) {
      if (broken.isShort) throw new Error('EMFILE');
      let conn = 0;
      while (open.has(conn)) conn++;
      open.set(conn, address.port);
      return conn;
    },
    sendCopy(_conn: number, bytes: Uint8Array, start: number, end: number) {
      return sent.push(Buffer.from(bytes.subarray(start, end)).toString('latin1')) > 0;
    },
    reset: (conn: number) => void open.delete(conn),
  } as unknown as EventLoop;
  new Checker({
    rows,
    settings: { ...DEFAULT_CHECKS, intervalNs: 1000 * MS, timeoutNs: 300 * MS, ...settings },
    nowNs: () => nowNs,
    createLoop(options) {
      handlers = options.handlers;
      return loop;
    },
  });
  return {
    rows,
    roster,
    open,
    sent,
    broken,
    /** Passes time, a millisecond a turn; `answer` is asked of each connection that is open. */
    pass(ms: number, answer: (port: number, conn: number) => void = () => {}) {
      for (let i = 0; i < ms; i++) {
        nowNs += MS;
        handlers.onTurn(nowNs);
        for (const [conn, port] of [...open]) answer(port, conn);
      }
    },
    connected: (_port: number, conn: number) => handlers.onConnect(conn, 0),
    refused: (_port: number, conn: number) => handlers.onConnect(conn, 111),
    says: (conn: number, text: string) => {
      const bytes = new TextEncoder().encode(text);
      handlers.onData(conn, bytes, 0, bytes.length);
    },
    closes: (conn: number) => handlers.onClose(conn, 0),
    health: () => names.map((_, row) => rows.health(row)),
  };
}

const NAMES = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3'];
const { up, down, unknown } = HEALTH;

test('the first check decides, then thresholds do', () => {
  const it = rig(NAMES);
  it.pass(1100, (port, conn) => (port === 2 ? it.refused : it.connected)(port, conn));
  assert.deepEqual(it.health(), [up, down, up]);
  it.pass(1700, it.refused);
  assert.deepEqual(it.health(), [up, down, up], 'two at most');
  it.pass(2300, it.refused);
  assert.deepEqual(it.health(), [down, down, down]);
  it.pass(3500, it.connected);
  assert.deepEqual(it.health(), [up, up, up]);
});

test('one that says nothing has failed when its time is over', () => {
  const it = rig(NAMES);
  it.pass(1450, (port, conn) => port !== 1 && it.connected(port, conn));
  assert.deepEqual(it.health(), [down, up, up]);
});

test('http: asked with a host, judged by its status, in pieces, and a hang-up is a failure', () => {
  const it = rig(NAMES, { kind: 'http', path: '/health', expectedStatus: 204 });
  const asked = new Set<number>();
  it.pass(1100, (port, conn) => {
    if (!asked.has(port)) it.connected(port, conn);
    asked.add(port);
    if (port === 1) for (const piece of ['HTTP/1.', '1 204 No', ' Content\r\n\r\n']) it.says(conn, piece);
    if (port === 2) it.says(conn, 'HTTP/1.1 200 OK\r\n');
    if (port === 3) it.closes(conn);
  });
  assert.deepEqual(it.health(), [up, down, down]);
  assert.match(it.sent.join(), /GET \/health HTTP\/1.1\r\nHost: 127.0.0.1:1\r\n/);
});

test('an upstream that expects a PROXY header is told that this is nobody', () => {
  for (const [proxyOut, header] of [
    ['v1', 'PROXY UNKNOWN\r\n'],
    ['v2', '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0'],
  ] as const) {
    const it = rig(NAMES.slice(0, 1), { proxyOut });
    it.pass(1100, it.connected);
    assert.equal(it.sent[0], header);
  }
});

test('no more than the cap are under way, and who waits for room is dropped, not queued', () => {
  const it = rig(
    Array.from({ length: 40 }, (_, i) => `127.0.0.1:${i + 1}`),
    { mostUnderWay: 5, timeoutNs: 800 * MS },
  );
  let most = 0;
  it.pass(3000, () => {
    most = Math.max(most, it.open.size);
  });
  assert.equal(most, 5);
  assert.ok(it.rows.stats[STAT.missed]! > 50, `${it.rows.stats[STAT.missed]} missed`);
  assert.ok(it.rows.stats[STAT.capped]! > 0);
});

test('what a check finds of an upstream that has left is nobody’s; its successor in the row starts anew', () => {
  const it = rig(NAMES);
  it.pass(1100, it.connected);
  const row = 0;
  let held = -1;
  it.pass(1100, (port, conn) => {
    if (port === 1) held = conn;
    else it.connected(port, conn);
  });
  it.roster.remove(NAMES[0]!);
  it.pass(1);
  if (it.open.has(held)) it.refused(1, held);
  for (let i = 0; i < 61 + 1; i++) {
    it.roster.add({ name: `127.0.0.1:${100 + i}`, weight: 1 });
    if (it.roster.at(row)) break;
  }
  assert.notEqual(it.roster.at(row), null);
  assert.equal(it.rows.health(row), unknown);
  it.pass(1200, it.connected);
  assert.equal(it.rows.health(row), up);
});

test('no descriptor left says nothing of an upstream', () => {
  const it = rig(NAMES);
  it.broken.isShort = true;
  it.pass(2500);
  assert.deepEqual(it.health(), [unknown, unknown, unknown]);
  assert.ok(it.rows.stats[STAT.shortages]! >= 3);
});
