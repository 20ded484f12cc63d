// Goal: /metrics answers on loopback, only to reads, and an address that cannot be had is refused with a hint.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopscopeError } from '../base/errors.ts';
import { DEFAULT_METRICS_PORT, parseMetricsAddress, serveMetrics } from './metrics-server.ts';

const scraped = { metrics: async () => 'loops 1\n', contentType: 'text/plain; version=0.0.4; charset=utf-8' };

test('addresses as they are typed', () => {
  const cases: [text: string, host: string, port: number][] = [
    ['', '127.0.0.1', DEFAULT_METRICS_PORT],
    ['9000', '127.0.0.1', 9000],
    [':9000', '127.0.0.1', 9000],
    ['0.0.0.0:9000', '0.0.0.0', 9000],
    ['localhost', 'localhost', DEFAULT_METRICS_PORT],
    ['[::1]:9000', '::1', 9000],
  ];
  for (const [text, host, port] of cases) assert.deepEqual(parseMetricsAddress(text), { host, port }, text);
  for (const wrong of ['a b', ':70000', 'x:y', '::1:9000', 'http://x:1']) {
    assert.throws(
      () => parseMetricsAddress(wrong),
      (error) => error instanceof LoopscopeError && error.code === 'USAGE' && error.hint !== '',
      wrong,
    );
  }
});

test('a scrape, and what is not one', async () => {
  using server = await serveMetrics('127.0.0.1:0', scraped);
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
  const reply = await fetch(server.url);
  assert.equal(reply.headers.get('content-type'), scraped.contentType);
  assert.equal(await reply.text(), 'loops 1\n');
  assert.equal((await fetch(server.url.replace('/metrics', '/other'))).status, 404);
  assert.equal((await fetch(server.url, { method: 'POST', body: 'x' })).status, 405);
  const other = server.url.match(/:(\d+)\//)![1]!;
  await assert.rejects(
    serveMetrics(other, scraped),
    (error) => error instanceof LoopscopeError && /taken/.test(error.message),
  );
});

test('a failure to collect is an answer, not an end', async () => {
  const failing = { ...scraped, metrics: async () => Promise.reject(new Error('no figures')) };
  using server = await serveMetrics('0', failing);
  assert.equal((await fetch(server.url)).status, 500);
});
