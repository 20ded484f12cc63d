// Goal: upstreams are read as they are meant, and what is wrong with others is said. Method: tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOfName, parseUpstream } from './upstream-spec.ts';

test('upstreams, and the addresses of their names', () => {
  const cases: [string, string, number, object][] = [
    ['10.0.0.7:80', '10.0.0.7:80', 1, { kind: 'tcp', host: '10.0.0.7', port: 80 }],
    [' 10.0.0.7:80 \t weight=12 ', '10.0.0.7:80', 12, { kind: 'tcp', host: '10.0.0.7', port: 80 }],
    ['[FE80::1]:65535 weight=256', '[fe80::1]:65535', 256, { kind: 'tcp', host: 'fe80::1', port: 65_535 }],
    ['localhost:1', 'localhost:1', 1, { kind: 'tcp', host: 'localhost', port: 1 }],
    ['unix:/run/a:b.sock', 'unix:/run/a:b.sock', 1, { kind: 'unix', path: '/run/a:b.sock' }],
  ];
  for (const [text, name, weight, address] of cases) {
    assert.deepEqual(parseUpstream(text), { name, weight });
    assert.deepEqual(addressOfName(name), address);
  }
});

test('what is none is refused, with what is wrong', () => {
  const cases: [string, RegExp][] = [
    ['', /is not an address/],
    ['10.0.0.7', /is not an address/],
    ['10.0.0.7:0', /is not an address/],
    ['10.0.0.7:65536', /is not an address/],
    ['10.0.0.07:80', /not an IP address/],
    ['127.1:80', /not an IP address/],
    ['example.org:80', /not an IP address/],
    ['[::1:80', /is not an address/],
    ['[10.0.0.7]:80', /not an IP address/],
    ['http://10.0.0.7:80', /is not an address/],
    ['10.0.0.7:80 weight=0', /weight 0 is not from 1 to 256/],
    ['10.0.0.7:80 weight=257', /weight 257/],
    ['10.0.0.7:80 weight=1e2', /is not weight=N/],
    ['10.0.0.7:80 backup', /"backup" is not weight=N/],
    ['\x1b[31m:80', /"·\[31m:80" is not an address/],
    ['unix:', /1 to 107 bytes, not 0/],
    [`unix:/${'ä'.repeat(60)}`, /not 121/],
  ];
  for (const [text, message] of cases)
    assert.throws(() => parseUpstream(text), { code: 'USAGE', message }, text);
});
