// Goal: every protocol keeps its side of the seam: replies in order whatever the pieces, nothing after a close, and no
// allocation per request. Method: responders on a loop that only writes down what it is given.
import assert from 'node:assert/strict';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseRoute } from '../http/route.ts';
import type { ReplyLoop, Responder } from './protocol.ts';
import { SERVER_PROTOCOLS } from './registry.ts';

class WritingLoop implements ReplyLoop {
  sent = '';
  byteCount = 0;
  ended = false;
  closed = false;
  /** Bytes taken before the loop says that it is full. */
  room = Number.POSITIVE_INFINITY;
  keeps = true;
  allocateSendMemory(byteLength: number) {
    return { bytes: new Uint8Array(byteLength), address: 0n };
  }
  send(_: number, memory: { bytes: Uint8Array }, start: number, end: number): boolean {
    return this.sendCopy(_, memory.bytes, start, end);
  }
  sendCopy(_: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.ended || this.closed || end - start > this.room) return false;
    this.room -= end - start;
    this.byteCount += end - start;
    if (this.keeps) this.sent += Buffer.from(bytes.subarray(start, end)).toString('latin1');
    return true;
  }
  pendingSendBytes(): number {
    return 0;
  }
  close(): void {
    this.closed = true;
  }
  end(): void {
    this.ended = true;
  }
}

const REQUESTS = {
  http: 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n',
  frame: '\0\0\0\x02hi',
  echo: 'hi',
} as const;

function responderOf(name: keyof typeof REQUESTS, loop: ReplyLoop): Responder {
  const responder = SERVER_PROTOCOLS.find((protocol) => protocol.name === name)!.createResponder({
    loop,
    connectionLimit: 2,
    replyBody: new TextEncoder().encode('yes'),
    routes: name === 'http' ? [parseRoute('/a=yes')] : [],
    maxHeaderBytes: 1000,
    maxBodyBytes: 1000,
    onRequest() {},
  });
  responder.open(0);
  return responder;
}

function give(responder: Responder, text: string): void {
  const bytes = new Uint8Array(Buffer.from(text, 'latin1'));
  responder.data(0, bytes, 0, bytes.length);
}

for (const { name } of SERVER_PROTOCOLS) {
  const request = REQUESTS[name];

  test(`${name}: the same replies whatever the pieces, and a full loop only puts them off`, (t) => {
    // Replies say what time it is.
    t.mock.timers.enable({ apis: ['Date'], now: 0 });
    const whole = new WritingLoop();
    const one = responderOf(name, whole);
    give(one, request.repeat(50));
    assert.ok(whole.sent.length > 0);
    const pieces = new WritingLoop();
    const two = responderOf(name, pieces);
    for (const byte of request.repeat(50)) give(two, byte);
    assert.equal(pieces.sent, whole.sent);
    const narrow = new WritingLoop();
    narrow.room = 7;
    const three = responderOf(name, narrow);
    give(three, request.repeat(50));
    assert.ok(three.unsentBytes(0) > 0);
    for (let turn = 0; turn < 5000 && three.unsentBytes(0) > 0; turn++) {
      narrow.room += 200;
      three.turn(turn * 1e6);
    }
    assert.equal(narrow.sent, whole.sent);
    assert.equal(three.turn(1e12), false);
    assert.equal(narrow.closed, false);
  });

  test(`${name}: a peer that asks on and never reads is closed, and forgotten`, () => {
    const loop = new WritingLoop();
    loop.room = 0;
    const responder = responderOf(name, loop);
    for (let i = 0; i < 200_000 && !loop.closed; i++) give(responder, request.repeat(20));
    assert.equal(loop.closed, true);
    assert.equal(responder.counts.slowReaderCount, 1);
    assert.equal(responder.unsentBytes(0), 0);
  });

  test(`${name}: what is left when the peer ends its side still goes out`, (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 0 });
    const loop = new WritingLoop();
    loop.room = 0;
    const responder = responderOf(name, loop);
    give(responder, request.repeat(3));
    loop.room = 1e6;
    responder.closed(0, 0);
    const whole = new WritingLoop();
    give(responderOf(name, whole), request.repeat(3));
    assert.equal(loop.sent, whole.sent);
    assert.equal(responder.unsentBytes(0), 0);
  });

  test(`${name}: no allocation per request`, async () => {
    const loop = new WritingLoop();
    loop.keeps = false;
    const responder = responderOf(name, loop);
    const bytes = new Uint8Array(Buffer.from(request, 'latin1'));
    const run = (count: number) => {
      for (let i = 0; i < count; i++) responder.data(0, bytes, 0, bytes.length);
    };
    run(50_000);
    let collections = 0;
    const observer = new PerformanceObserver((list) => {
      const entries = list.getEntries() as unknown as { detail: { kind: number } }[];
      const kinds = entries.map(({ detail }) => detail.kind);
      collections += kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length;
    });
    observer.observe({ entryTypes: ['gc'] });
    const count = 600_000;
    const before = process.memoryUsage().heapUsed;
    run(count);
    const growth = process.memoryUsage().heapUsed - before;
    await delay(20);
    observer.disconnect();
    // A young collection comes after 16 MB at the latest: 27 bytes a request. One may be due for what came before.
    assert.ok(collections <= 1, `${collections} collections`);
    assert.ok(growth < count * 4, `${growth} bytes for ${count} requests`);
    assert.equal(responder.counts.requestCount, count + 50_000);
  });
}

test('http: a server that leaves answers what has arrived, says so with the last reply, and then nothing', () => {
  const loop = new WritingLoop();
  const responder = responderOf('http', loop);
  give(responder, REQUESTS.http);
  assert.match(loop.sent, /Connection: keep-alive/);
  responder.leave();
  loop.sent = '';
  give(responder, REQUESTS.http.repeat(3));
  assert.deepEqual(loop.sent.match(/Connection: [a-z-]+/g), [
    'Connection: keep-alive',
    'Connection: keep-alive',
    'Connection: close',
  ]);
  assert.equal(loop.ended, true);
  const all = loop.sent;
  give(responder, REQUESTS.http);
  assert.equal(loop.sent, all);
});
