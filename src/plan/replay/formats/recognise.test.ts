// Goal: a log is known by its first lines, and one that is not says what it begins with and what to type. Method: the
// logs that Debian's servers wrote, and made ones.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LoopscopeError } from '../../../base/errors.ts';
import { readNs } from '../lines/bytes.ts';
import { createLogEntry } from '../lines/log-entry.ts';
import { REFUSAL } from '../lines/refusal.ts';
import { recognise } from './recognise.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures', `${name}.log`));
const LINE = '127.0.0.1 - - [29/Nov/2026:07:04:55 +0000] "GET / HTTP/1.1" 200 2';

const REAL: [file: string, format: string][] = [
  ['nginx', 'nginx'],
  ['lighttpd', 'nginx'],
  ['apache', 'nginx'],
  ['haproxy', 'haproxy'],
  ['apache-vhost', 'apache-vhost'],
  ['caddy', 'caddy'],
];

for (const [file, format] of REAL) {
  test(`a log of ${file} is recognised`, () => {
    assert.equal(recognise(fixture(file), {})?.format.name, format);
  });
}

test('of two formats that read a log, the one that says more is taken', () => {
  const timed = `${LINE} "-" "curl/7.88.1" 0.010 1795935895.123\n`;
  assert.equal(recognise(Buffer.from(timed.repeat(3)), {})?.format.name, 'nginx-timed');
  assert.equal(recognise(Buffer.from(`${LINE} "-" "curl/7.88.1"\n`), {})?.format.name, 'nginx');
  assert.equal(recognise(Buffer.from(`${LINE}\n`), {})?.format.name, 'common');
  const vhost = recognise(Buffer.from(`a.example:80 ${LINE} "-" "curl/7.88.1"\n`), {});
  assert.equal(vhost?.format.name, 'apache-vhost');
});

test('lines that are no requests do not hide what the others are, and a line cut by the head does not count', () => {
  const head = Buffer.from(`# comment\n${LINE}\n\x16\x03\x01\n${LINE}\n${LINE}\n127.0.0.1 - - [29/No`);
  const found = recognise(head, {});
  assert.equal(found?.format.name, 'common');
  assert.equal(found?.why, 'common: 3 of the first 4 lines');
});

test('a log that begins with what was no HTTP is known by the lines that are', () => {
  const hello = LINE.replace('GET / HTTP/1.1', '\\x16\\x03\\x01');
  assert.equal(recognise(Buffer.from(`${`${hello}\n`.repeat(9)}${LINE}\n`), {})?.format.name, 'common');
});

test('nothing to go by is not an error', () => {
  assert.equal(recognise(Buffer.from(''), {}), null);
  assert.equal(recognise(Buffer.from('# only\n# comments\n'), {}), null);
});

const refusal = (text: string, options: Parameters<typeof recognise>[1] = {}): LoopscopeError => {
  try {
    recognise(Buffer.from(text), options);
  } catch (error) {
    assert.ok(error instanceof LoopscopeError && error.code === 'USAGE', String(error));
    return error;
  }
  assert.fail('was recognised');
};

test('a log that no format reads says how it begins, and what to type', () => {
  const plain = refusal('today \x1b[2J all went well\nyes\n');
  assert.equal(
    plain.message,
    'no format reads most of the first lines; the first is "today ·[2J all went well"',
  );
  assert.match(plain.hint, /--format '/);
  assert.match(refusal('{"a":1}\n').hint, /--fields time=/);
  assert.ok(refusal('x'.repeat(5000)).message.length < 250);
  // Half of the lines are not most of them.
  assert.match(refusal(`${LINE}\nx\n`).message, /no format reads most/);
});

test('a format asked for is taken by one line of it, and refused when it reads none', () => {
  assert.equal(recognise(Buffer.from(`x\ny\n${LINE}\n`), { format: 'common' })?.share, 1 / 3);
  assert.match(
    refusal('x\n', { format: 'haproxy' }).message,
    /not in the format asked for \(haproxy\): none of its/,
  );
});

test('a first line longer than what is looked at hides nothing of a format asked for, and is said otherwise', () => {
  const head = Buffer.from('x'.repeat(200_000));
  const asked = recognise(head, { format: 'common' });
  assert.deepEqual([asked?.format.name, asked?.share, asked?.why], ['common', 0, 'common: asked for']);
  assert.match(refusal(head.toString()).message, /no format reads most .* "xxx/);
});

test('escape=none leaves a backslash what it is', () => {
  const line = Buffer.from('1795935895.123 GET /a\\x2\n');
  const found = recognise(line, { format: 'escape=none $msec $request_method $request_uri' });
  assert.equal(found?.parser.escapes, 'none');
  assert.equal(found?.share, 1);
  assert.match(
    refusal(line.toString(), { format: '$msec $request_method $uri' }).message,
    /not in the format/,
  );
});

test("a string of nginx's and one of Apache's are told apart by their variables", () => {
  const nginx = recognise(Buffer.from('1795935895.123 GET /100%\n'), {
    format: '$msec $request_method $uri',
  });
  assert.equal(nginx?.format.name, 'nginx');
  assert.equal(
    recognise(Buffer.from(`${LINE}\n`), { format: '%h %l %u %t "%r" %>s %b' })?.format.name,
    'apache',
  );
  assert.match(refusal(LINE, { format: 'hproxy' }).hint, /did you mean haproxy/);
  assert.match(refusal(LINE, { format: 'something' }).hint, /there are gor, har/);
  assert.match(refusal(LINE, { format: 'nginx', fields: 'time=ts' }).message, /--fields is for JSON/);
});

test('combined with more behind it: the report says what to type, and that reads it', () => {
  const line =
    '10.0.0.1 - - [29/Nov/2026:07:04:55 +0000] "GET /a HTTP/1.1" 200 2 "-" "a \\"b\\" [c]" 7 "web@docker" "http://10.1.0.2:80" 2.5ms';
  const head = Buffer.from(`${line}\n`.repeat(3));
  const { why } = recognise(head, {})!;
  const format = /, which --format '(.*)' would read$/.exec(why)?.[1] ?? '';
  assert.match(why, /^nginx: 3 of the first 3 lines; more stands behind that/);
  assert.match(format, /"\$http_user_agent" \$more1 "\$more2" "\$more3" \$request_time$/);
  const { parser, why: whyAsked } = recognise(head, { format })!;
  assert.equal(whyAsked, 'nginx: 3 of the first 3 lines');
  assert.doesNotMatch(recognise(fixture('nginx'), {})!.why, /behind/);
  const entry = createLogEntry(parser.escapes);
  const bytes = Buffer.from(line);
  assert.equal(parser.parse(bytes, 0, bytes.length, entry), REFUSAL.none);
  assert.equal(entry.durationNs, 2.5e6);
});

test('durations as Go writes them carry their unit', () => {
  const cases: [text: string, ns: number][] = [
    ['1.5ms', 1.5e6],
    ['850µs', 850e3],
    ['850μs', 850e3],
    ['850us', 850e3],
    ['12ns', 12],
    ['2s', 2e9],
    ['1m2.5s', 62.5e9],
    ['1h0m0s', 3600e9],
    ['1h2m3.004s', 3723.004e9],
    ['0s', 0],
    ['0.25', 250e6],
    ['9.29e-05', 92_900],
    ...['ms', '1h2', '1.5x', '1.5mss', '1m2', '1m.', '1.5m s', '-1ms', '1µ', '1\u00b5', 's1', '-', ''].map(
      (text): [string, number] => [text, -1],
    ),
  ];
  for (const [text, ns] of cases) {
    const bytes = Buffer.from(text);
    assert.equal(readNs(bytes, 0, bytes.length, 1e9), ns, text);
  }
});
