// Goal: `loopscope serve http` stands up to clients that mean harm: what could be read two ways is refused (RFC 9112
// §2.2, 3, 5, 6, 7, 9, 11), nothing a client sends or withholds takes memory or time without end, others are served on.
// Method: bin/loopscope on each back end; raw bytes over real sockets; every reply stream read strictly, to its end.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { loopBackends } from '../../src/loop/registry.ts';
import { statusField, until } from '../fixtures/process.ts';
import { type Serving, startServing } from '../fixtures/serve.ts';
import { needs } from '../helpers/needs.ts';
import { CASES, type HostileCase } from './hostile-requests.ts';
import { exchange, RawClient, repliesIn, statusesIn } from './raw-http.ts';

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const LAST = 'GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
const MAX_HEADER_BYTES = 4096;
const ROUTES = ['/=hello', '/last=last', '/smuggled=SMUGGLED', '/other=other'];

const serveOn = (backend: string, ...args: string[]) =>
  startServing('http', '--listen', 'http://127.0.0.1:0', '--backend', backend, ...args);

const rssKb = (server: Serving) => Number.parseInt(statusField(server.pid, 'VmRSS') ?? '', 10);

/** Asks once, as somebody who means no harm. */
async function assertServesOthers(server: Serving): Promise<void> {
  assert.deepEqual(statusesIn(await exchange(server.target, [LAST])), [200]);
}

for (const { name: backend, probe } of loopBackends) {
  const on = (title: string, body: (t: TestContext) => Promise<void>) =>
    test(`${backend}: ${title}`, async (t) => {
      const { available, reason } = probe();
      if (needs(t, available, reason ?? '')) await body(t);
    });

  on('each request that could be read two ways is refused, and nothing behind it is answered', async () => {
    const routes = ROUTES.flatMap((route) => ['--route', route]);
    await using server = await serveOn(backend, ...routes, '--max-header', `${MAX_HEADER_BYTES}B`);
    const check = async ({ name, bytes, statuses, isHead, ends: isLast }: HostileCase, cuts: number[]) => {
      const refused = isLast || statuses.some((status) => status >= 400);
      const whole = Buffer.from(refused ? bytes : `${bytes}${LAST}`, 'latin1');
      const ends = [...cuts.filter((at) => at < whole.length), whole.length];
      const pieces = ends.map((end, i) => whole.subarray(i === 0 ? 0 : ends[i - 1], end));
      const text = await exchange(server.target, pieces);
      const replies = repliesIn(text, isHead ? [0] : []);
      const found = replies.map(({ status }) => status);
      assert.deepEqual(found, refused ? statuses : [...statuses, 200], `${name}: ${JSON.stringify(text)}`);
      assert.ok(!text.includes('SMUGGLED'), name);
      assert.equal(replies.at(-1)?.fields.get('connection'), 'close', `${name}: the last reply says so`);
    };
    for (const cuts of [[], [17, 40], [1, 2, 3, 60, 61, 62]]) {
      await Promise.all(CASES.map((hostile) => check(hostile, cuts)));
    }
    await assertServesOthers(server);
  });

  on('bytes without end are refused as soon as they pass a limit', async () => {
    const limits = ['--max-header', `${MAX_HEADER_BYTES}B`, '--max-body', '64KB'];
    await using server = await serveOn(backend, ...limits);
    const chunked = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
    const streams: [name: string, start: string, again: string, status: number][] = [
      ['a header line', 'GET / HTTP/1.1\r\nX: ', 'aaaaaaaa', 431],
      ['header lines', 'GET / HTTP/1.1\r\n', 'X: aaaa\r\n', 431],
      ['a target', 'GET /', 'aaaaaaaa', 414],
      ['a method', '', 'AAAAAAAA', 501],
      ['empty lines', '', '\r\n', 400],
      ['a chunk extension', `${chunked}1;`, 'aaaaaaaa', 413],
      ['chunk extensions', chunked, '1;aaaaaa\r\nx\r\n', 413],
      ['a chunk size', chunked, '00000000', 413],
      ['chunks', chunked, '8\r\naaaaaaaa\r\n', 413],
      ['a chunk', `${chunked}ffffffff\r\n`, 'aaaaaaaa', 413],
      ['a trailer', `${chunked}0\r\nX: `, 'aaaaaaaa', 413],
      ['trailers', `${chunked}0\r\n`, 'X: aaaa\r\n', 413],
    ];
    const before = rssKb(server);
    await Promise.all(
      streams.map(async ([name, start, again, status]) => {
        const client = new RawClient(server.target);
        client.write(start);
        // What a client that is not told would go on with for ever.
        for (let i = 0; i < 4000 && !client.hasEnded; i++) await client.writeAll(again.repeat(64));
        await client.ended;
        assert.deepEqual(statusesIn(client.text), [status], name);
        client.destroy();
      }),
    );
    await assertServesOthers(server);
    assert.ok(rssKb(server) - before < 65_536, `${rssKb(server) - before} KiB more`);
  });

  on('requests that never come to their end: bounded in time and memory, told 408', async (t) => {
    const count = 1500;
    const limits = ['--request-timeout', '2s', '--idle-timeout', '20s', '--max-header', '16KB'];
    await using server = await serveOn(backend, ...limits);
    await assertServesOthers(server);
    const before = rssKb(server);
    const clients = Array.from({ length: count }, (_, i) => new RawClient(server.target, sourceOf(i)));
    await Promise.all(clients.map((client) => client.connected));
    // Half of them come in dribbles, the others nearly fill what they may.
    const filling = `GET / HTTP/1.1\r\nHost: h\r\nX: ${'a'.repeat(12_000)}`;
    for (const [i, client] of clients.entries())
      client.write(i % 2 === 0 ? filling : 'GET / HTTP/1.1\r\nX: ');
    const dribbling = setInterval(() => {
      for (const client of clients) if (!client.hasEnded) client.write('a');
    }, 400);
    await delay(1000);
    const grown = rssKb(server) - before;
    await assertServesOthers(server);
    await Promise.all(clients.map((client) => client.ended));
    clearInterval(dribbling);
    for (const client of clients) assert.deepEqual(statusesIn(client.text), [408]);
    for (const client of clients) client.destroy();
    t.diagnostic(`${grown} KiB for ${count} requests without an end`);
    // Half of them 16 KiB each, and what the process needs besides.
    assert.ok(grown < (count / 2) * 16 + 40_000, `${grown} KiB for ${count} half requests`);
    const { process: child } = server;
    child.child.kill('SIGTERM');
    await child.exited;
    assert.equal(server.lines().at(-1)!.timedOutCount, count);
  });

  on('a request byte by byte, and clients that end their side first, get all that is due', async () => {
    const routes = ['--route', '/=hello', '--route', '/last=last', '--route', `/big=${'b'.repeat(100_000)}`];
    await using server = await serveOn(backend, ...routes);
    const mixed = `${GET}POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n${LAST}`;
    assert.deepEqual(statusesIn(await exchange(server.target, [...mixed])), [200, 200, 200]);
    const big = 'GET /big HTTP/1.1\r\nHost: h\r\n\r\n';
    const cases: [bytes: string, bodies: number[]][] = [
      [GET, [5]],
      [GET.repeat(500), Array(500).fill(5)],
      [big.repeat(40), Array(40).fill(100_000)],
      [`${GET}GET / HT`, [5]],
      [`${GET}POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc`, [5]],
    ];
    for (const [bytes, bodies] of cases) {
      const client = new RawClient(server.target);
      client.end(bytes);
      await client.ended;
      const found = repliesIn(client.text).map(({ status, body }) => [status, body.length]);
      assert.deepEqual(
        found,
        bodies.map((length) => [200, length]),
      );
      client.destroy();
    }
  });

  on('a thousand requests in one write are answered in order, whatever their size', async () => {
    const routes = Array.from({ length: 10 }, (_, i) => ['--route', `/${i}=${`${i}`.repeat(3 ** i)}`]).flat();
    await using server = await serveOn(backend, ...routes);
    const order = Array.from({ length: 1000 }, (_, i) => (i * 7 + ((i / 10) | 0)) % 10);
    const ask = (list: number[]) => list.map((i) => `GET /${i} HTTP/1.1\r\nHost: h\r\n\r\n`).join('');
    const last = 'GET /0 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
    await exchange(server.target, [last]);
    const before = rssKb(server);
    const text = await exchange(server.target, [ask(order) + last]);
    const bodies = repliesIn(text).map(({ body }) => `${body[0]}${body.length}`);
    assert.deepEqual(
      bodies,
      [...order, 0].map((i) => `${i}${3 ** i}`),
    );
    // The largest is 19 683 bytes: a thousand of it wait while their client reads, but not in copies.
    const bigs = await exchange(server.target, [ask(Array(1000).fill(9)) + last]);
    assert.equal(repliesIn(bigs).length, 1001);
    assert.ok(rssKb(server) - before < 65_536, `${rssKb(server) - before} KiB more`);
  });

  on('clients that never read are closed in their time; one that reads slowly has all of it', async (t) => {
    const routes = ['--route', '/=hello', '--route', '/last=last'];
    const page = `/big=${'b'.repeat(120_000)}`;
    await using server = await serveOn(backend, ...routes, '--route', page, '--send-timeout', '4s');
    await assertServesOthers(server);
    const before = rssKb(server);
    const ask = 'GET /big HTTP/1.1\r\nHost: h\r\n\r\n';
    const deaf = Array.from({ length: 50 }, () => new RawClient(server.target));
    for (const client of deaf) {
      client.pause();
      client.write(ask.repeat(100));
    }
    const slow = new RawClient(server.target);
    slow.write(ask.repeat(99) + ask.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    slow.readSlowly(250_000, 50);
    await delay(1000);
    await assertServesOthers(server);
    const grown = rssKb(server) - before;
    await slow.ended;
    assert.deepEqual(
      repliesIn(slow.text).map(({ body }) => body.length),
      Array(100).fill(120_000),
    );
    // They do not see their own end, for they do not read.
    const closed = async () => {
      server.process.child.kill('SIGUSR1');
      await delay(100);
      return server.lines().at(-1)!.slowReaders === deaf.length;
    };
    await until('the others to be closed', closed, 30_000);
    for (const client of deaf) client.destroy();
    slow.destroy();
    t.diagnostic(`${grown} KiB for ${deaf.length} clients that do not read, with 12 MB due to each`);
    assert.ok(grown < 51 * 1024 + 40_000, `${grown} KiB for ${deaf.length} clients`);
  });

  on('those who take every place and do nothing make room for others', async () => {
    const limit = 200;
    await using server = await serveOn(backend, '--max-connections', String(limit), '--route', '/last=last');
    const idle = Array.from({ length: limit * 2 }, () => new RawClient(server.target));
    await Promise.all(idle.map((client) => client.connected));
    // Its place in the kernel's queue is behind all of them.
    await assertServesOthers(server);
    for (const client of idle) client.destroy();
  });

  on('ten thousand idle connections: little memory each, others served, all closed in time', async (t) => {
    const count = 10_000;
    if (!needs(t, fileLimit() > count + 500, `${count} open files`)) return;
    await using server = await serveOn(backend, '--idle-timeout', '6s', '--route', '/last=last');
    await assertServesOthers(server);
    const before = rssKb(server);
    const idle: RawClient[] = [];
    for (let i = 0; i < count; i++) {
      idle.push(new RawClient(server.target, sourceOf(i)));
      if (i % 500 === 499) await Promise.all(idle.slice(-500).map((client) => client.connected));
    }
    const grown = rssKb(server) - before;
    for (let i = 0; i < 20; i++) await assertServesOthers(server);
    await Promise.all(idle.map((client) => client.ended));
    for (const client of idle) assert.equal(client.text, '');
    for (const client of idle) client.destroy();
    await assertServesOthers(server);
    t.diagnostic(`${grown} KiB for ${count} idle connections`);
    assert.ok(grown < count * 6, `${grown} KiB for ${count} connections`);
    server.process.child.kill('SIGTERM');
    await server.process.exited;
    assert.equal(server.lines().at(-1)!.timedOutCount, count);
  });
}

/** Loopback addresses in turn: the ports of one do not last for all. */
function sourceOf(index: number): string {
  return `127.0.0.${2 + (index % 8)}`;
}

/** Descriptors this process may have; the server inherits the same limit. */
function fileLimit(): number {
  const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft ?? 0);
}
