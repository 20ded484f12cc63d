// Goal: one traffic, written as each format writes it, is read as one; requests and stamps of all kinds, and real logs.
// Method: lines made from the same seeded requests, tables, and logs that Debian's servers wrote.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fieldText } from '../lines/field-text.ts';
import { createLogEntry, FIELD } from '../lines/log-entry.ts';
import { REFUSAL, REFUSAL_MEANING } from '../lines/refusal.ts';
import { readStamp } from '../lines/stamp.ts';
import type { LogParser } from './log-format.ts';
import { LOG_FORMATS } from './registry.ts';
import { BEGIN_SEC, traffic, WRITERS, type Writer } from './testing/traffic.ts';

const SEED = 11;

function parserOf({ format, ...options }: Pick<Writer, 'format' | 'template' | 'fields'>): LogParser {
  const found = LOG_FORMATS.find(({ name }) => name === format);
  assert.ok(found, format);
  return found.createParser(options);
}

for (const item of WRITERS) {
  test(`${item.name}: starts, paths and statuses are those of the traffic`, () => {
    const parser = parserOf(item);
    const entry = createLogEntry(parser.escapes);
    for (const sent of traffic(500, SEED)) {
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
    // What stands behind it, as in JSON, is not part of it.
    const bytes = Buffer.from(`${text},5`);
    assert.equal(readStamp(bytes, 0, bytes.length - 2, out), epochNs !== null);
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

const APACHE_STAMPS: [template: string, stamp: string, grainNs: number][] = [
  ['[%{%d/%b/%Y:%H:%M:%S}t.%{msec_frac}t %{%z}t]', '[29/Nov/2026:08:04:55.250 +0100]', 1e6],
  ['%{%FT%T}t.%{usec_frac}t%{%z}t', '2026-11-29T02:04:55.250000-0500', 1e3],
  ['%{%F %T}t %{%z}t', '2026-11-29 07:04:55 +0000', 1e9],
  ['%{%Y-%m-%dT%H:%M:%S}t+%{msec_frac}t', '2026-11-29T07:04:55+250', 1e6],
];

for (const [template, stamp, grainNs] of APACHE_STAMPS) {
  test(`Apache's ${template} is one time, with its zone`, () => {
    const parser = parserOf({ format: 'apache', template: `%h ${template} "%r" %>s` });
    const entry = createLogEntry(parser.escapes);
    const bytes = Buffer.from(`::1 ${stamp} "GET / HTTP/1.1" 200`);
    assert.equal(parser.parse(bytes, 0, bytes.length, entry), REFUSAL.none);
    const { stampSec, stampSubNs } = entry;
    assert.deepEqual([stampSec, stampSubNs], [1_795_935_895, grainNs === 1e9 ? 0 : 250e6]);
    assert.equal(entry.grainNs, grainNs);
  });
}

test('templates that place nothing in time, or run together, are refused with what to log', () => {
  const refuse = (template: string) => () => parserOf({ format: 'nginx', template });
  assert.throws(refuse('$remote_addr "$request"'), /no time is in it/);
  assert.throws(refuse('$remote_addr [$time_local] $status'), /method and path are not in it/);
  assert.throws(refuse('$msec$status "$request"'), /nothing stands between \$msec and \$status/);
});

// Written by Debian's servers under curl, a TLS hello and raw bytes.
const NGINX_JSON =
  'escape=json {"time":"$msec","client":"$remote_addr","port":$remote_port,"conn":$connection,"method":"$request_method","uri":"$request_uri","host":"$host","status":$status,"bytes":$body_bytes_sent,"took":$request_time,"ua":"$http_user_agent","up":"$upstream_response_time"}';
const REAL: [file: string, format: string, read: number, other: number, quoted: string, template?: string][] =
  [
    ['nginx', 'nginx', 11, 1, '/q%22x"y'],
    ['lighttpd', 'nginx', 6, 1, '/q%22x"y'],
    ['apache', 'apache', 6, 1, '/q%22x"y'],
    ['haproxy', 'haproxy', 5, 2, '/q%22x"y'],
    ['apache-vhost', 'apache-vhost', 11, 2, '/q%22x"y'],
    ['caddy', 'caddy', 9, 0, '/q%22x"y'],
    ['nginx-json', 'nginx', 11, 4, '/q%22x"y', NGINX_JSON],
  ];

for (const [file, format, read, other, quoted, template] of REAL) {
  test(`a log written by ${file} is read, every line accounted for`, () => {
    const parser = parserOf(template === undefined ? { format } : { format, template });
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
