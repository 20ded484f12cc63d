// Goal: of each kind of wrong reply the beginning of the first is kept, and never another reply's. Method: replies as
// they are fed, whole and in pieces, judged as the driver judges them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRequests, plainRequest } from '../../plan/requests/requests.ts';
import { compileCheck } from '../../plan/scenario/compile-check.ts';
import type { ScenarioChecks } from '../../plan/scenario/scenario.ts';
import { type Codec, PARSED } from '../../wire/codec.ts';
import { defineCodec } from '../../wire/custom/define-codec.ts';
import { http1 } from '../../wire/http1/http1.ts';
import { ReplyJudge } from './reply-judge.ts';

const REQUEST = { path: '/', host: 'x' };

/** Feeds pieces to connection 0, as the driver does; the last may be followed by the connection's end. */
function listen(codec: Codec, checks: ScenarioChecks | null, captureBytes = 0) {
  const check = checks && compileCheck(checks, 'checks').check;
  const requests = encodeRequests(codec, [plainRequest(REQUEST, check)]);
  const parser = codec.createReplyParser({ connectionLimit: 1, captureBytes });
  const judge = new ReplyJudge(parser, requests, null);
  return {
    texts: judge.firstTexts.byKind,
    reply(pieces: string[], endsBySignal = false): string | null | undefined {
      let isBegun = true;
      let reason: string | null | undefined;
      for (const piece of pieces) {
        const bytes = Buffer.from(piece);
        const result = parser.feed(0, bytes, 0, bytes.length);
        if (result !== PARSED.more) {
          judge.hear(result, bytes, 0, bytes.length, isBegun);
          if (result !== PARSED.bad) reason = judge.wrongReason(0);
        }
        isBegun = false;
      }
      if (endsBySignal && parser.endOfStream(0) === PARSED.lastMessage) {
        judge.hearEnd();
        reason = judge.wrongReason(0);
      }
      return reason;
    },
  };
}

const http = (status: number, body: string) =>
  `HTTP/1.1 ${status} Told\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test('without a check: the first body of each status that is bad', () => {
  const { reply, texts } = listen(http1, null);
  assert.equal(reply([http(200, 'good')]), null);
  assert.equal(reply([http(503, 'out of room')]), '');
  assert.equal(reply([http(503, 'again')]), '');
  assert.equal(reply([http(404, '')]), '');
  assert.deepEqual(
    [...texts],
    [
      ['status 503', 'out of room'],
      ['status 404', 'HTTP/1.1 404 Told\\r\\nContent-Length: 0\\r\\n\\r\\n'],
    ],
  );
});

test('a reply that came in pieces is not told by its end: the next whole one is', () => {
  const { reply, texts } = listen(http1, null);
  const [first, second] = [http(500, 'abcdef').slice(0, -3), 'def'];
  assert.equal(reply([first, second]), '');
  assert.equal(texts.size, 0);
  assert.equal(reply([http(500, 'whole')]), '');
  assert.deepEqual([...texts], [['status 500', 'whole']]);
});

test('a reply that ends with its connection is not told by the one before it', () => {
  const { reply, texts } = listen(http1, { status: 201 });
  assert.equal(reply([http(201, 'fine')]), null);
  assert.equal(reply(['HTTP/1.1 200 OK\r\n\r\nuntil the end'], true), 'status not 201');
  assert.equal(texts.size, 0);
});

test('with a check of the status alone, which a status below 400 may fail too', () => {
  const { reply, texts } = listen(http1, { status: 201 });
  assert.equal(reply([http(200, 'not made')]), 'status not 201');
  assert.deepEqual([...texts], [['status not 201', 'not made']]);
});

test('what the parser kept for a check is told, pieces or not', () => {
  const { reply, texts } = listen(http1, { body: { equals: 'pong' } }, 100);
  assert.equal(reply([http(200, 'ping').slice(0, -2), 'ng']), 'body not "pong"');
  assert.deepEqual([...texts], [['body not "pong"', 'ping']]);
});

test("a codec's own word: the reply's first bytes, if they are there", () => {
  const codec = defineCodec({
    name: 'four',
    encodeRequest: () => Uint8Array.of(1),
    replyLength: () => 4,
    check: (bytes, start) => (bytes[start] === 0x6f ? null : 'not o'),
  });
  const { reply, texts } = listen(codec, null);
  assert.equal(reply(['ok..']), null);
  assert.equal(reply(['\x00', '\x01ab']), 'not o');
  assert.equal(texts.size, 0);
  assert.equal(reply(['\x00\x01\\b']), 'not o');
  assert.deepEqual([...texts], [['not o', '\\x00\\x01\\\\b']]);
});
