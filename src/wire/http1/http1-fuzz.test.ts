// Goal: no bytes make the reply parser throw, hang or change its mind, and where it differs from Node's own parser the
// reason is written down. Method: the first seeds of test/fuzz; a comparison over a corpus; the documented list.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { disagreement } from '../../../test/fuzz/disagreements.ts';
import { ReplyInputs } from '../../../test/fuzz/reply-input.ts';
import { ReplyTrial } from '../../../test/fuzz/reply-trial.ts';
import { nodeParserClass, nodeVerdict, ourVerdict, type Verdict } from '../../../test/fuzz/verdicts.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { root } from '../../../test/helpers/source-files.ts';

const FUZZ_INPUTS = 30_000;
const GROWN_INPUTS = 12_000;
const HEAD_EVERY = 10;

/** Replies that the grammar makes too rarely, or not at all. */
const RARE = [
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
  'HTTP/1.1 199 What\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  '\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2000000000000000\r\n\r\nx',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000000000000\r\nx',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 ;a=b\r\nx\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx',
  `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(300)}Content-Length: 0\r\n\r\n`,
  `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(17_000)}\r\nContent-Length: 0\r\n\r\n`,
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(17_000)}\r\nx\r\n0\r\n\r\n`,
  'HTTP/1.1 103 Hints\n\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: \r\n\r\nuntil the end',
  'HTTP/1.1 003 Early\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx',
  'RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
];

test('http1 fuzz: the first seeds', () => {
  const trial = new ReplyTrial();
  for (let seed = 0; seed < FUZZ_INPUTS; seed++) assert.equal(trial.run(seed), null, `seed ${seed}`);
});

test('http1 fuzz: inputs are many, different, and of every end', () => {
  const inputs = new ReplyInputs();
  const seen = new Set<string>();
  const ends = { whole: 0, cut: 0, bad: 0, none: 0 };
  for (let seed = 0; seed < 2000; seed++) {
    inputs.make(seed);
    const bytes = inputs.bytes.slice(0, inputs.length);
    seen.add(Buffer.from(bytes).toString('latin1'));
    ends[ourVerdict(bytes, false).end]++;
  }
  assert.ok(seen.size > 1500, `${seen.size} different`);
  for (const end of ['whole', 'cut', 'bad'] as const) assert.ok(ends[end] > 100, `${end}: ${ends[end]}`);
});

test("http1 replies: differences from Node's parser are those of docs/reference/http1-replies.md", (t) => {
  const HTTPParser = nodeParserClass();
  if (!needs(t, HTTPParser !== null, 'this Node does not offer its parser')) return;
  const documented = new Set(
    [
      ...readFileSync(join(root, 'docs/reference/http1-replies.md'), 'utf8').matchAll(
        /^\| `([a-z ]+: [^`]+)` \|/gm,
      ),
    ].map((row) => row[1]!),
  );
  const found = new Set<string>();
  const unknown: string[] = [];
  const compare = (bytes: Uint8Array, noBody: boolean): void => {
    const text = Buffer.from(bytes).toString('latin1');
    const ours: Verdict = ourVerdict(bytes, noBody);
    const key = disagreement(text, noBody, ours, nodeVerdict(HTTPParser!, bytes, noBody));
    if (key === null) return;
    found.add(key);
    if (!documented.has(key) && unknown.length < 20)
      unknown.push(`${key}\n    ${JSON.stringify(text).slice(0, 400)}`);
  };
  for (const text of RARE) compare(new Uint8Array(Buffer.from(text, 'latin1')), false);
  const inputs = new ReplyInputs();
  for (let seed = 0; seed < GROWN_INPUTS; seed++) {
    inputs.make(seed, seed % 2 === 0);
    compare(inputs.bytes.slice(0, inputs.length), seed % HEAD_EVERY === 0);
  }
  assert.deepEqual(unknown, [], unknown.join('\n'));
  assert.deepEqual(
    [...documented].filter((key) => !found.has(key)),
    [],
    'documented, and not met',
  );
});
