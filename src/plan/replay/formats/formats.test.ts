// Goal: one traffic, written as each format writes it, is read as one; whatever a line holds, the parser answers with a
// reason and never throws. Method: lines made from the same seeded requests, and mutations of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createPrng } from '../../../base/prng.ts';
import { fieldText } from '../lines/field-text.ts';
import { createLogEntry, FIELD } from '../lines/log-entry.ts';
import { REFUSAL, REFUSAL_MEANING } from '../lines/refusal.ts';
import { readStamp } from '../lines/stamp.ts';
import type { LogParser } from './log-format.ts';
import { LOG_FORMATS } from './registry.ts';

const SEED = 11;
/** LOOPSCOPE_MUTATIONS=10000000 for the deep run. */
const MUTATIONS = Number(process.env.LOOPSCOPE_MUTATIONS ?? 20_000);
const BEGIN_SEC = Date.UTC(2026, 10, 29, 7, 4, 55) / 1000;

type Sent = { startMs: number; tookMs: number; client: string; port: number; path: string; status: number };

/** Requests with whole milliseconds, from the given seed. */
function traffic(count: number): Sent[] {
  const prng = createPrng(SEED);
  let atMs = 0;
  return Array.from({ length: count }, (_, i) => {
    atMs += Math.round(prng.exponential(40));
    return {
      startMs: atMs,
      tookMs: prng.below(900),
      client: `127.0.0.${1 + prng.below(20)}`,
      port: 1024 + prng.below(60_000),
      path: `/item/${i}?q=${prng.below(100)}`,
      status: prng.below(10) === 0 ? 404 : 200,
    };
  });
}

const two = (value: number) => String(value).padStart(2, '0');

function common(ms: number): string {
  const at = new Date(BEGIN_SEC * 1000 + ms);
  return `29/Nov/2026:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

const iso = (ms: number) => new Date(BEGIN_SEC * 1000 + ms).toISOString();
const millis = (ms: number) => String(ms % 1000).padStart(3, '0');
const epoch = (ms: number) => ((BEGIN_SEC * 1000 + ms) / 1000).toFixed(3);

type Case = {
  name: string;
  format: string;
  template?: string;
  grainNs: number;
  line(sent: Sent): string;
};

const CASES: Case[] = [
  {
    name: 'nginx, combined with times',
    format: 'nginx-timed',
    grainNs: 1e6,
    line: (s) =>
      `${s.client} - - [${common(s.startMs + s.tookMs)} +0000] "GET ${s.path} HTTP/1.1" ${s.status} 612 "-" "curl/7.88.1" ${(s.tookMs / 1000).toFixed(3)} ${epoch(s.startMs + s.tookMs)}`,
  },
  {
    name: 'nginx, escape=json',
    format: 'nginx',
    template:
      'escape=json {"t":"$msec","c":"$remote_addr:$remote_port","m":"$request_method","u":"$request_uri","s":$status,"d":$request_time}',
    grainNs: 1e6,
    line: (s) =>
      `{"t":"${epoch(s.startMs + s.tookMs)}","c":"${s.client}:${s.port}","m":"GET","u":"${s.path}","s":${s.status},"d":${(s.tookMs / 1000).toFixed(3)}}`,
  },
  {
    name: 'Apache, microseconds',
    format: 'apache',
    template: '%h %l %u %{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t \\"%r\\" %>s %b %D',
    grainNs: 1e3,
    line: (s) =>
      `${s.client} - - ${iso(s.startMs).slice(0, 19)}.${millis(s.startMs)}000 "GET ${s.path} HTTP/1.1" ${s.status} 612 ${s.tookMs * 1000}`,
  },
  {
    name: 'Apache, whole seconds of the start',
    format: 'apache',
    grainNs: 1e9,
    line: (s) =>
      `${s.client} - - [${common(s.startMs)} +0000] "GET ${s.path} HTTP/1.1" ${s.status} 612 "-" "curl/7.88.1"`,
  },
  {
    name: 'HAProxy behind syslog',
    format: 'haproxy',
    grainNs: 1e6,
    line: (s) =>
      `Nov 29 07:04:55 localhost haproxy[14389]: ${s.client}:${s.port} [${common(s.startMs)}.${millis(s.startMs)}] in back/one 0/0/1/5/${s.tookMs} ${s.status} 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET ${s.path} HTTP/1.1"`,
  },
  {
    name: 'AWS ALB',
    format: 'alb',
    grainNs: 1e3,
    line: (s) =>
      `http ${iso(s.startMs + s.tookMs).replace('Z', '000Z')} app/lb/50dc 127.0.0.9:80 10.0.0.1:80 0.000 0.001 0.000 ${s.status} 200 34 366 "GET http://www.example.com:80${s.path} HTTP/1.1" "curl/7.46.0" - - arn:aws:x "Root=1" "-" "-" 0 ${iso(s.startMs).replace('Z', '000Z')} "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"`,
  },
];

function parserOf({ format, template }: Pick<Case, 'format' | 'template'>): LogParser {
  const found = LOG_FORMATS.find(({ name }) => name === format);
  assert.ok(found, format);
  return found.createParser(template === undefined ? {} : { template });
}

for (const item of CASES) {
  test(`${item.name}: starts, paths and statuses are those of the traffic`, () => {
    const parser = parserOf(item);
    const entry = createLogEntry(parser.escapes);
    for (const sent of traffic(500)) {
      const bytes = Buffer.from(item.line(sent));
      assert.equal(parser.parse(bytes, 0, bytes.length, entry), REFUSAL.none, item.line(sent));
      const stampMs = (entry.stampSec - BEGIN_SEC) * 1e3 + entry.stampSubNs / 1e6;
      const startMs = parser.stamped === 'end' ? stampMs - entry.durationNs / 1e6 : stampMs;
      const grainMs = item.grainNs / 1e6;
      assert.equal(entry.grainNs, item.grainNs);
      assert.ok(
        Math.abs(Math.floor(sent.startMs / grainMs) * grainMs - startMs) < 1e-3,
        `${startMs} ${sent.startMs}`,
      );
      assert.equal(fieldText(entry, FIELD.method), 'GET');
      assert.equal(fieldText(entry, FIELD.path), sent.path);
      assert.equal(entry.status, sent.status);
    }
  });
}

test('mutated lines never throw, and each is read or refused with a reason', () => {
  const prng = createPrng(SEED, 1);
  const lines = CASES.map((item) => ({
    parser: parserOf(item),
    line: Buffer.from(item.line(traffic(1)[0]!)),
  }));
  const byReason = new Map<string, number>();
  for (let i = 0; i < MUTATIONS; i++) {
    const { parser, line } = lines[i % lines.length]!;
    const bytes = Buffer.from(line);
    for (let changes = 1 + prng.below(4); changes > 0; changes--)
      bytes[prng.below(bytes.length)] = prng.below(256);
    const end = prng.below(4) === 0 ? prng.below(bytes.length + 1) : bytes.length;
    const reason = REFUSAL_MEANING[parser.parse(bytes, 0, end, createLogEntry(parser.escapes))];
    assert.ok(reason !== undefined, `seed ${SEED}, mutation ${i}`);
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
  }
  assert.equal(
    [...byReason.values()].reduce((sum, count) => sum + count, 0),
    MUTATIONS,
  );
  for (const reason of ['read', 'not laid out as the format says', 'binary', 'no time that can be read']) {
    assert.ok(byReason.has(reason), `${reason}: ${JSON.stringify([...byReason])}`);
  }
});

const REQUESTS: [name: string, request: string, refusal: number, path?: string][] = [
  ['an escaped quote', 'GET /a\\x22b HTTP/1.1', REFUSAL.none, '/a"b'],
  ['a broken escape', 'GET /a\\x2 HTTP/1.1', REFUSAL.escape],
  ['an escaped line end, which would be a second request', 'GET /a\\x0d\\x0ab HTTP/1.1', REFUSAL.request],
  ['a TLS hello', '\\x16\\x03\\x01\\x02', REFUSAL.request],
  ['nothing', '-', REFUSAL.request],
  ['HTTP/0.9', 'GET /old', REFUSAL.none, '/old'],
  ['a space in the path', 'GET /a b HTTP/1.1', REFUSAL.request],
  ['an absolute URL', 'GET http://example.com/x?y HTTP/1.1', REFUSAL.none, '/x?y'],
  ['a host alone', 'GET http://example.com HTTP/1.1', REFUSAL.none, '/'],
  ['a tunnel', 'CONNECT example.com:443 HTTP/1.1', REFUSAL.request],
  ['a whole server', 'OPTIONS * HTTP/1.1', REFUSAL.none, '*'],
];

for (const [name, request, refusal, path] of REQUESTS) {
  test(`request line: ${name}`, () => {
    const parser = parserOf({ format: 'common' });
    const entry = createLogEntry(parser.escapes);
    const bytes = Buffer.from(`::1 - - [29/Nov/2026:07:04:55 +0000] "${request}" 200 1`);
    const answer = parser.parse(bytes, 0, bytes.length, entry);
    assert.equal(REFUSAL_MEANING[answer], REFUSAL_MEANING[refusal as keyof typeof REFUSAL_MEANING]);
    if (path !== undefined) assert.equal(fieldText(entry, FIELD.path), path);
  });
}

const STAMPS: [text: string, epochNs: bigint | null, grainNs?: number][] = [
  ['29/Nov/2026:07:04:55 +0000', 1_795_935_895_000_000_000n, 1e9],
  ['29/Nov/2026:08:04:55 +0100', 1_795_935_895_000_000_000n, 1e9],
  ['29/Nov/2026:07:04:55.250', 1_795_935_895_250_000_000n, 1e6],
  ['2026-11-29T07:04:55.123456789Z', 1_795_935_895_123_456_789n, 1],
  ['2026-11-29 12:34:55+05:30', 1_795_935_895_000_000_000n, 1e9],
  ['1795935895.123', 1_795_935_895_123_000_000n, 1e6],
  ['1795935895', 1_795_935_895_000_000_000n, 1e9],
  ['1795935895123', 1_795_935_895_123_000_000n, 1e6],
  ['1795935895123456789', 1_795_935_895_123_456_789n, 1],
  ['2024-02-29T00:00:00Z', 1_709_164_800_000_000_000n, 1e9],
  ['29/Nov/1979:07:04:55 +0000', null],
  ['29/Nov/2126:07:04:55 +0000', null],
  ['29/Foo/2026:07:04:55 +0000', null],
  ['29/Nov/2026:27:04:55 +0000', null],
  ['2026-11-29T07:04:55 CET', null],
  ['yesterday at noon', null],
];

for (const [text, epochNs, grainNs] of STAMPS) {
  test(`stamp: ${text}`, () => {
    const out = createLogEntry('backslash');
    const bytes = Buffer.from(text);
    assert.equal(readStamp(bytes, 0, bytes.length, out), epochNs !== null);
    if (epochNs === null) return;
    assert.equal(BigInt(out.stampSec) * 1_000_000_000n + BigInt(out.stampSubNs), epochNs);
    assert.equal(out.grainNs, grainNs);
  });
}

test('an IPv6 client and its port are taken apart at the last colon', () => {
  const parser = parserOf({
    format: 'nginx',
    template: '$remote_addr:$remote_port [$time_local] "$request"',
  });
  const entry = createLogEntry(parser.escapes);
  const bytes = Buffer.from('fe80::1:4711 [29/Nov/2026:07:04:55 +0000] "GET / HTTP/1.1"');
  assert.equal(parser.parse(bytes, 0, bytes.length, entry), REFUSAL.none);
  assert.equal(fieldText(entry, FIELD.client), 'fe80::1');
  assert.equal(entry.port, 4711);
  assert.deepEqual(parser.carries, ['ip:port', 'ip', 'none']);
});

test('templates that place nothing in time, or run together, are refused with what to log', () => {
  const refuse = (template: string) => () => parserOf({ format: 'nginx', template });
  assert.throws(refuse('$remote_addr "$request"'), /no time is in it/);
  assert.throws(refuse('$remote_addr [$time_local] $status'), /method and path are not in it/);
  assert.throws(refuse('$msec$status "$request"'), /nothing stands between \$msec and \$status/);
});

// Written by Debian's servers under curl, a TLS hello and raw bytes.
const REAL: [file: string, format: string, read: number, other: number, quoted: string][] = [
  ['nginx', 'nginx', 11, 1, '/q%22x"y'],
  ['lighttpd', 'nginx', 6, 1, '/q%22x"y'],
  ['apache', 'apache', 6, 1, '/q%22x"y'],
  ['haproxy', 'haproxy', 5, 2, '/q%22x"y'],
];

for (const [file, format, read, other, quoted] of REAL) {
  test(`a log written by ${file} is read, every line accounted for`, () => {
    const parser = parserOf({ format });
    const entry = createLogEntry(parser.escapes);
    const text = readFileSync(join(import.meta.dirname, '../fixtures', `${file}.log`));
    const paths: (string | null)[] = [];
    let refused = 0;
    for (let at = 0; at < text.length; at = text.indexOf(10, at) + 1) {
      const answer = parser.parse(text, at, text.indexOf(10, at), entry);
      if (answer === REFUSAL.none) paths.push(fieldText(entry, FIELD.path));
      else if (answer === REFUSAL.request) refused++;
      else assert.fail(REFUSAL_MEANING[answer]);
    }
    assert.deepEqual([paths.length, refused], [read, other]);
    assert.ok(paths.includes(quoted), String(paths));
  });
}
