// Goal: what is typed for arrivals, requests and sockets becomes what was meant, or an error that names the option and the
// part at fault. Method: tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearMiss } from '../base/input/near-miss.ts';
import { formatArrival, parseArrival } from './arrivals/arrival-spec.ts';
import { createThinkTimes, parseThinkTime } from './arrivals/think-time.ts';
import { parseHeader, parseMethod, parseSources } from './flags.ts';

function refuses(parse: (text: string) => unknown, rows: [text: string, message: RegExp][]): void {
  for (const [text, message] of rows) assert.throws(() => parse(text), { code: 'USAGE', message }, text);
}

test('arrivals as typed', () => {
  const rows: [string, string, object][] = [
    ['poisson', 'poisson', {}],
    ['gamma:cv=3', 'gamma', { cv: 3 }],
    ['gamma:3', 'gamma', { cv: 3 }],
    ['jitter:500us', 'jitter', { byNs: 500e3 }],
    ['onoff:on=100ms,off=400ms', 'onoff', { onNs: 100e6, offNs: 400e6 }],
    ['onoff:20ms,gaps=constant', 'onoff', { onNs: 20e6, gaps: 'constant' }],
    ['synced:wave=20', 'synced', { wave: 20 }],
    ['synced:every=50ms', 'synced', { everyNs: 50e6 }],
  ];
  for (const [text, arrival, params] of rows) {
    const spec = parseArrival(text);
    assert.deepEqual(spec, { arrival, params }, text);
    const again = parseArrival(formatArrival(spec));
    assert.equal(formatArrival(again), formatArrival(spec), text);
  }
  assert.equal(formatArrival(parseArrival('onoff:on=100ms,off=1500us')), 'onoff:off=1500us');
  refuses(parseArrival, [
    ['poison', /--arrival: "poison" is none of poisson, constant/],
    ['', /--arrival: "" is none of/],
    ['poisson:3', /--arrival poisson: takes no parameters, got "3"/],
    ['gamma:', /--arrival gamma: cv: "" is not a number/],
    ['gamma:cv=0', /--arrival gamma: cv: 0 is not from 0.05 to 10/],
    ['gamma:vc=3', /--arrival gamma: no parameter "vc"; it takes cv/],
    ['onoff:on=1ms,5ms', /--arrival onoff: no parameter "5ms"; it takes on, off, gaps/],
    ['onoff:on=1ms,on=2ms', /--arrival onoff: on is given twice/],
    ['onoff:gaps=even', /--arrival onoff: gaps: "even" is none of poisson, constant/],
    ['jitter:2m', /--arrival jitter: by: 120 s is not from 0 ns to 60.0 s/],
    ['synced:wave=1.5', /--arrival synced: wave: 1.5 is not a whole number from 1 to 1000000/],
  ]);
  assert.throws(() => parseArrival('poison'), { hint: 'did you mean poisson?' });
});

test('think times', () => {
  const rows: [string, number, number][] = [
    ['50ms', 50e6, 0],
    ['50ms+0-1ms', 50e6, 1e6],
    ['50ms+1ms', 50e6, 1e6],
    ['50ms+1ms-3ms', 51e6, 2e6],
    ['0ms+10ms', 0, 10e6],
  ];
  for (const [text, meanNs, jitterNs] of rows)
    assert.deepEqual(parseThinkTime(text), { meanNs, jitterNs }, text);
  refuses(parseThinkTime, [
    ['', /--think-time: "" is not a time/],
    ['fast', /--think-time: "fast" is not a duration/],
    ['50ms+', /--think-time: "50ms\+" is not a time/],
    ['50ms+2ms-1ms', /--think-time: "2ms-1ms" runs backwards/],
    ['50ms+x', /--think-time: "x" is not a duration/],
    ['2h', /more than an hour/],
  ]);
});

test('think times of a thread: constant, or uniform over the random part, by seed and thread', () => {
  const take = (jitterNs: number, seed: number, thread: number) => {
    const times = createThinkTimes({ meanNs: 50e6, jitterNs }, seed, thread);
    return Array.from({ length: 10_000 }, () => times.nextNs());
  };
  assert.deepEqual(new Set(take(0, 1, 0)), new Set([50e6]));
  const random = take(1e6, 1, 0);
  assert.ok(random.every((ns) => ns >= 50e6 && ns < 51e6));
  const mean = random.reduce((sum, ns) => sum + ns, 0) / random.length;
  assert.ok(Math.abs(mean - 50.5e6) < 20e3, `mean ${mean}`);
  assert.deepEqual(random, take(1e6, 1, 0));
  assert.notDeepEqual(random, take(1e6, 1, 1));
  assert.notDeepEqual(random, take(1e6, 2, 0));
});

test('headers and methods', () => {
  assert.deepEqual(parseHeader('Accept: text/html; q=1'), ['Accept', 'text/html; q=1']);
  assert.deepEqual(parseHeader('X-Name: Zoë €'), ['X-Name', 'Zoë €']);
  assert.deepEqual(parseHeader('X-Empty:'), ['X-Empty', '']);
  assert.deepEqual(parseHeader('X-Url: http://a:1/'), ['X-Url', 'http://a:1/']);
  refuses(parseHeader, [
    ['Accept', /--header: "Accept" has no colon/],
    [': x', /--header: "" is not a header name/],
    ['A b: x', /"A b" is not a header name/],
    ['A: x\r\nB: y', /the value of A has characters/],
    ['A: \u0007', /the value of A has characters/],
    ['A: \ud800', /the value of A has characters/],
    ['Content-Length: 5', /Content-Length follows from the body/],
  ]);
  assert.equal(parseMethod('post'), 'POST');
  assert.equal(parseMethod('PURGE'), 'PURGE');
  refuses(parseMethod, [
    ['', /--method: "" is not a method/],
    ['GET /', /is not a method/],
    ['PSOT', /"PSOT" is not a known method/],
  ]);
});

test('source addresses', () => {
  const rows: [string, string[]][] = [
    ['127.0.0.2', ['127.0.0.2']],
    ['127.0.0.2-127.0.0.4', ['127.0.0.2', '127.0.0.3', '127.0.0.4']],
    ['127.0.0.254-127.0.1.1', ['127.0.0.254', '127.0.0.255', '127.0.1.0', '127.0.1.1']],
    ['127.0.0.9-10', ['127.0.0.9', '127.0.0.10']],
    ['127.0.0.4/30', ['127.0.0.4', '127.0.0.5', '127.0.0.6', '127.0.0.7']],
    ['127.0.0.2, 127.0.0.5', ['127.0.0.2', '127.0.0.5']],
    ['::1', ['::1']],
  ];
  for (const [text, addresses] of rows) assert.deepEqual(parseSources(text), addresses, text);
  assert.equal(parseSources('127.1.0.0/16').length, 65_536);
  refuses(parseSources, [
    ['', /--source: "" is not an address/],
    ['127.0.0', /"127.0.0" is not an address/],
    ['127.0.0.2-x', /"x" is not an address/],
    ['127.0.0.9-2', /"127.0.0.9-2" runs backwards/],
    ['127.0.0.2/24', /127.0.0.2 does not begin a network of \/24/],
    ['127.0.0.0/7', /"\/7" is not a prefix length/],
    ['127.0.0.0/8', /16777216 addresses, at most 65536/],
    ['127.0.0.2-3,127.0.0.3', /names an address twice/],
  ]);
});

test('a near miss is near, in both directions, and not too far', () => {
  const words = ['weight', 'method', 'path', 'on'];
  const rows: [string, string | null][] = [
    ['wieght', 'weight'],
    ['Weight', 'weight'],
    ['metod', 'method'],
    ['pth', 'path'],
    ['of', 'on'],
    ['banana', null],
    ['', null],
  ];
  for (const [word, expected] of rows) assert.equal(nearMiss(word, words), expected, word);
  fc.assert(
    fc.property(fc.constantFrom('weight', 'method'), fc.nat(), (word, at) => {
      const i = at % word.length;
      assert.equal(nearMiss(word.slice(0, i) + word.slice(i + 1), words), word);
      assert.equal(nearMiss(`${word.slice(0, i)}q${word.slice(i)}`, words), word);
    }),
  );
});
