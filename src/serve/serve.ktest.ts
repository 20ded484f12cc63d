// Goal: the embedded server answers as its protocols say, survives hostile clients, and leaves in good order.
// Method: a server in a process of its own, on each back end; raw bytes in over real sockets, exact bytes out.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { wholeOr } from '../../test/helpers/depth.ts';
import { type Address, parseTarget } from '../base/address.ts';
import { loopBackends } from '../loop/registry.ts';
import { parseRoute } from './http/route.ts';
import { formatReady, targetText } from './ready.ts';
import { startServerChild } from './testing/server-child.ts';

const ANY_PORT: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const backends = loopBackends.filter((backend) => backend.probe().available).map(({ name }) => name);
const SOME_DATE = 'D'.repeat(29);
const HELLO = reply('200 OK', 'hello\n', 'keep-alive');

function reply(status: string, body: string, connection: string): string {
  const type = 'Content-Type: text/plain; charset=utf-8';
  return (
    `HTTP/1.1 ${status}\r\nDate: ${SOME_DATE}\r\n${type}\r\nContent-Length: ${body.length}\r\n` +
    `Connection: ${connection}\r\n\r\n${body}`
  );
}

/** Well-formed dates are made equal; others stay, and fail the comparison. */
function withSomeDate(text: string): string {
  const date = /(?<=Date: )[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT(?=\r\n)/g;
  return text.replace(date, SOME_DATE);
}

function open(address: Address): Socket {
  const socket =
    address.kind === 'unix'
      ? connect({ path: address.path })
      : connect({ host: address.host, port: address.port });
  socket.on('error', () => {});
  return socket;
}

/** Sends the pieces, one write each, and gathers replies until `bytes` have come or the server ends. */
async function talk(
  address: Address,
  pieces: (string | Buffer)[],
  bytes = Number.POSITIVE_INFINITY,
  /** What must have come before the next piece is sent, as a client that asks for leave does. */
  leave = /^/,
): Promise<string> {
  const socket = open(address);
  socket.setNoDelay(true);
  let text = '';
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.length >= bytes) resolve();
    });
    socket.on('close', () => resolve());
  });
  for (const [i, piece] of pieces.entries()) {
    // Pieces must reach the server apart.
    if (i > 0) await delay(5);
    for (let tries = 0; i > 0 && !leave.test(text) && tries < 400; tries++) await delay(5);
    socket.write(piece);
  }
  await done;
  socket.destroy();
  return withSomeDate(text);
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

for (const backend of wholeOr(backends, backends.slice(0, 1))) {
  test(`${backend}: HTTP requests, whole, in pieces and pipelined`, async () => {
    await using server = await startServerChild({ protocol: 'http', listen: [ANY_PORT], backend });
    assert.equal(server.ready.backend, backend);
    const to = server.address;
    assert.equal(await talk(to, [GET], HELLO.length), HELLO);
    assert.equal(await talk(to, ['GET / HT', 'TP/1.1\r\nHost: a\r', '\n\r', '\n'], HELLO.length), HELLO);
    const post = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n';
    assert.equal(await talk(to, [post, '12', '345'], HELLO.length), HELLO, 'a body in pieces');
    const head = HELLO.slice(0, -'hello\n'.length);
    const mixed = `${GET}HEAD / HTTP/1.1\r\nHost: a\r\n\r\n${post}12345${GET}`;
    assert.equal(await talk(to, [mixed], HELLO.length * 3 + head.length), HELLO + head + HELLO + HELLO);
    assert.equal(await talk(to, [GET.repeat(3000)], HELLO.length * 3000), HELLO.repeat(3000));
    const { summary, code } = await server.stop();
    assert.equal(code, 0);
    assert.equal(summary.requestCount, 3 + 4 + 3000);
    assert.equal(summary.badCount, 0);
  });

  test(`${backend}: the last request of a connection gets its answer, then the end`, async () => {
    await using server = await startServerChild({ protocol: 'http', listen: [ANY_PORT], backend });
    const last = reply('200 OK', 'hello\n', 'close');
    assert.equal(
      await talk(server.address, ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n']),
      last,
    );
    assert.equal(await talk(server.address, ['GET / HTTP/1.0\r\n\r\n']), last);
    assert.equal(
      await talk(server.address, [`${GET}GET / HTTP/1.0\r\n\r\n${GET}`]),
      HELLO + last,
      'nothing after it',
    );
  });

  test(`${backend}: bad requests get their status and the end`, async () => {
    const limits = { maxHeaderBytes: 1024, maxBodyBytes: 4096 };
    await using server = await startServerChild({ protocol: 'http', listen: [ANY_PORT], backend, ...limits });
    const cases: [string, (string | Buffer)[], number][] = [
      ['garbage', ['\x00\x01\x02 what\r\n\r\n'], 400],
      ['a request line of one word', ['GET\r\n\r\n'], 400],
      [
        'two framings',
        [`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n`],
        400,
      ],
      ['a negative length', ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\n'], 400],
      [
        'a malformed chunk',
        ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', 'zz\r\n'],
        400,
      ],
      ['headers without an end', [`GET / HTTP/1.1\r\nX: ${'a'.repeat(2000)}`], 431],
      ['headers too long, in pieces', ['GET / HTTP/1.1\r\nX: ', ...Array(4).fill('a'.repeat(300))], 431],
      [
        'a body too long',
        [`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n${'a'.repeat(9000)}`],
        413,
      ],
      [
        'a body said to be huge',
        ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n', 'a'.repeat(9000)],
        413,
      ],
      [
        'chunks without an end',
        ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', `2328\r\n${'a'.repeat(9000)}`],
        413,
      ],
    ];
    for (const [name, pieces, status] of cases) {
      const text = await talk(server.address, pieces);
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} [^\\r]+\\r\\n`), name);
      assert.equal(text.match(/HTTP\/1\.1 \d/g)?.length, 1, `${name}: one answer`);
    }
    assert.equal(
      await talk(server.address, [GET + GET.slice(0, 9)], HELLO.length),
      HELLO,
      'others are served on',
    );
    assert.equal((await server.stop()).summary.badCount, cases.length);
  });

  test(`${backend}: frames over a Unix socket`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'loopscope-serve-'));
    const path = join(folder, 'agent.sock');
    try {
      const listen = [{ kind: 'unix' as const, path }, ANY_PORT];
      await using server = await startServerChild({ protocol: 'frame', listen, backend, replyText: 'ok' });
      const ok = '\0\0\0\x02ok';
      for (const to of server.ready.addresses) {
        assert.equal(await talk(to, ['\0\0\0\x03abc'], 6), ok);
        assert.equal(await talk(to, ['\0\0\0\0'], 6), ok, 'an empty payload is a message');
        assert.equal(await talk(to, ['\0', '\0\0\x03a', 'bc\0\0', '\0\x01z'], 12), ok + ok);
        assert.equal(await talk(to, ['\0\0\0\x01a'.repeat(5000)], 30_000), ok.repeat(5000));
      }
      const tooLong = Buffer.from('\0\0\0\x01a\xff\xff\xff\xffabc', 'latin1');
      assert.equal(await talk(server.address, [tooLong]), ok, 'a frame too long ends the connection');
      const { summary, code } = await server.stop();
      assert.equal(code, 0);
      assert.equal(summary.requestCount, 2 * (1 + 1 + 2 + 5000) + 1);
      assert.equal(summary.badCount, 1);
      assert.equal(existsSync(path), false, 'the socket file is removed');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test(`${backend}: a peer that asks and never reads is closed, and costs others nothing`, async () => {
    const options = { protocol: 'http' as const, listen: [ANY_PORT], backend, replyText: 'a'.repeat(60_000) };
    await using server = await startServerChild(options);
    const greedy = open(server.address);
    greedy.pause();
    const closed = new Promise<void>((resolve) => greedy.on('close', () => resolve()));
    // Long replies wait where they are, so many of them take little.
    greedy.write(GET.repeat(20_000));
    const big = reply('200 OK', 'a'.repeat(60_000), 'keep-alive');
    assert.equal(await talk(server.address, [GET], big.length), big);
    // The paused socket learns of its end when it reads again.
    await delay(50);
    greedy.resume();
    await closed;
    assert.equal((await server.stop()).summary.slowReaderCount, 1);
  });

  test(`${backend}: SIGTERM ends idle connections and answers those under way`, async () => {
    const faults = ['sleep:100ms/1'];
    await using server = await startServerChild({ protocol: 'http', listen: [ANY_PORT], backend, faults });
    const idle = open(server.address);
    await new Promise<void>((resolve) => idle.once('connect', () => resolve()));
    const idleEnded = new Promise<void>((resolve) => idle.once('close', () => resolve()));
    idle.resume();
    const answer = talk(server.address, [GET], HELLO.length);
    await delay(40);
    const { code, summary } = await server.stop();
    assert.equal(await answer, HELLO);
    await idleEnded;
    assert.equal(code, 0);
    assert.deepEqual(summary.faultHits, { 'sleep:100ms/1': 1 });
    const refused = open(server.address);
    assert.equal(
      await new Promise((resolve) => refused.once('error', ({ message }) => resolve(message)))
        .then(String)
        .then((text) => /ECONNREFUSED/.test(text)),
      true,
    );
  });

  test(`${backend}: routes, and what no route answers`, async () => {
    const routes = [parseRoute('/ping=pong'), parseRoute('/empty=')];
    await using server = await startServerChild({ protocol: 'http', listen: [ANY_PORT], backend, routes });
    const ask = (target: string, bytes: number) =>
      talk(server.address, [`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`], bytes);
    const pong = reply('200 OK', 'pong', 'keep-alive');
    assert.equal(await ask('/ping', pong.length), pong);
    assert.equal(await ask('/ping?x=y', pong.length), pong);
    const empty = reply('200 OK', '', 'keep-alive');
    assert.equal(await ask('/empty', empty.length), empty);
    assert.match(await ask('/pin', 100), /^HTTP\/1\.1 404 Not Found\r\n/);
    const options = 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n';
    assert.match(
      await talk(server.address, [options], 100),
      /^HTTP\/1\.1 204 No Content\r\n[\s\S]*Allow: GET, /,
    );
  });

  test(`${backend}: a client that waits for leave to send its body gets it`, async () => {
    await using server = await startServerChild({ protocol: 'http', listen: [ANY_PORT], backend });
    const head = 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n';
    const go = 'HTTP/1.1 100 Continue\r\n\r\n';
    const ask = (first: string, answer: string) =>
      talk(server.address, [first, 'abc'], answer.length, /100 Continue/);
    assert.equal(await ask(head, go + HELLO), go + HELLO);
    const both = HELLO + go + HELLO;
    assert.equal(await ask(`${GET}${head}`, both), both, 'in its turn');
  });

  test(`${backend}: slow and silent clients are given their time and no more`, async () => {
    const limits = { idleTimeoutNs: 600e6, requestTimeoutNs: 300e6 };
    await using server = await startServerChild({ protocol: 'http', listen: [ANY_PORT], backend, ...limits });
    const silent = talk(server.address, []);
    const half = talk(server.address, [GET.slice(0, -2)]);
    const body = talk(server.address, ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n', 'a']);
    const drip = talk(server.address, [...`GET / HTTP/1.1\r\nX: ${'a'.repeat(500)}`]);
    const once = talk(server.address, [GET]);
    assert.equal(await silent, '', 'nothing was asked, nothing is said');
    assert.equal(await once, HELLO, 'an answer, and after idle time the end');
    for (const slow of [half, body, drip]) {
      const text = await slow;
      assert.match(text, /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*Connection: close\r\n/);
      assert.equal(text.match(/HTTP\/1\.1 \d/g)?.length, 1);
    }
    assert.equal((await server.stop()).summary.timedOutCount, 5);
  });

  test(`${backend}: a request byte by byte, and one whose sender has ended its side`, async () => {
    await using server = await startServerChild({ protocol: 'http', listen: [ANY_PORT], backend });
    assert.equal(await talk(server.address, [...'GET / HTTP/1.1\r\nHost: a\r\n\r\n'], HELLO.length), HELLO);
    const socket = open(server.address);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.end(GET.repeat(1000));
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const all = withSomeDate(text) === HELLO.repeat(1000);
    assert.ok(all, `${text.length} bytes: every reply is due, though nothing more can be asked`);
  });

  test(`${backend}: echo gives back every byte`, async () => {
    await using server = await startServerChild({ protocol: 'echo', listen: [ANY_PORT], backend });
    const bytes = Array.from({ length: 50 }, (_, i) => String.fromCharCode(32 + i).repeat(997 * i)).join('');
    assert.equal(await talk(server.address, ['a'], 1), 'a');
    assert.ok((await talk(server.address, [bytes.slice(0, 300_000)], 300_000)) === bytes.slice(0, 300_000));
    assert.equal((await server.stop()).summary.badCount, 0);
  });

  test(`${backend}: two thousand idle connections cost little, and others are served`, async () => {
    await using server = await startServerChild({ protocol: 'http', listen: [ANY_PORT], backend });
    const residentKb = () =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))![1]);
    assert.equal(await talk(server.address, [GET], HELLO.length), HELLO);
    const before = residentKb();
    const idle: Socket[] = [];
    for (let i = 0; i < 2000; i++) idle.push(open(server.address));
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    assert.equal(await talk(server.address, [GET], HELLO.length), HELLO);
    const growthKb = residentKb() - before;
    for (const socket of idle) socket.destroy();
    assert.ok(growthKb < 2000 * 4, `${growthKb} KiB for 2000 connections`);
  });
}

test('the ready line is a target to copy', () => {
  const cases: [Address, 'http' | 'frame', string][] = [
    [{ kind: 'tcp', host: '127.0.0.1', port: 81 }, 'http', 'http://127.0.0.1:81/'],
    [{ kind: 'tcp', host: '::1', port: 81 }, 'frame', 'tcp://[::1]:81'],
    [{ kind: 'unix', path: '/a/b.sock' }, 'http', 'unix+http:/a/b.sock'],
    [{ kind: 'unix', path: '/a/b.sock' }, 'frame', 'unix:/a/b.sock'],
  ];
  for (const [address, protocol, expected] of cases) {
    assert.equal(targetText(address, protocol), expected);
    const parsed = parseTarget(expected);
    assert.deepEqual([parsed.address, parsed.protocol], [address, protocol]);
  }
  const ready = { pid: 7, backend: 'epoll' as const, addresses: [cases[0]![0]], workers: [] };
  assert.equal(formatReady(ready, 'http', false), 'listening on http://127.0.0.1:81/ (pid 7, epoll)');
  assert.deepEqual(JSON.parse(formatReady(ready, 'http', true)), {
    ready: true,
    pid: 7,
    backend: 'epoll',
    targets: ['http://127.0.0.1:81/'],
    workers: [],
  });
});
