// Goal: thresholds are kept, and answers are judged, whole, in pieces, and hostile. Method: tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEALTH } from '../rows/upstream-rows.ts';
import { http } from './http.ts';
import { RiseFall } from './rise-fall.ts';

test('health follows results by thresholds, the first one decides at once', () => {
  const cases: [string, string][] = [
    ['+', 'u'],
    ['-', 'd'],
    ['+--', 'uuu'],
    ['+---', 'uuud'],
    ['+--+---', 'uuuuuud'],
    ['-+', 'dd'],
    ['-++', 'ddu'],
    ['-+-++', 'ddddu'],
  ];
  for (const [results, wanted] of cases) {
    const of = new RiseFall(1, 2, 3);
    let found = '';
    for (const result of results) {
      const before = of.healthOf(0);
      const changed = of.result(0, result === '+');
      assert.equal(changed, of.healthOf(0) !== before);
      found += of.healthOf(0) === HEALTH.up ? 'u' : 'd';
    }
    assert.equal(found, wanted, results);
    of.forget(0);
    assert.equal(of.healthOf(0), HEALTH.unknown);
  }
});

test('an HTTP answer is good when its status is the one expected', () => {
  const target = { host: '127.0.0.1', path: '/', expectedStatus: 200 };
  const cases: [string, string][] = [
    ['', 'more'],
    ['HTTP/1.1 20', 'more'],
    ['HTTP/1.1 200 OK\r\n', 'good'],
    ['HTTP/1.0 200\r\n', 'good'],
    ['HTTP/1.1 503 no\r\n', 'bad'],
    ['HTTP/1.1 2000 \r\n', 'bad'],
    ['HTTP/2.0 200 OK', 'bad'],
    ['SSH-', 'bad'],
    ['\0\0\0\0\0\0\0\0\0\0\0\0\0\0', 'bad'],
  ];
  for (const [answer, wanted] of cases) {
    assert.equal(http.judge(new TextEncoder().encode(answer), target), wanted, JSON.stringify(answer));
  }
});
