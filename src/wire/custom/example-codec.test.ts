// Goal: the example that users copy keeps the parsers' promises, says the same as the built-in, and stays short.
// Method: the parser contract, through loadCodec as the command line does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { root } from '../../../test/helpers/source-files.ts';
import { parserContract } from '../codec.contract.ts';
import type { ReplyParser } from '../codec.ts';
import { frame } from '../frame/frame.ts';
import { loadCodec } from './load-codec.ts';

const path = join(root, 'examples/codecs/agent-frame.ts');
const codec = await loadCodec(path);

test('example codec: at most sixty lines', () => {
  assert.ok(readFileSync(path, 'utf8').trimEnd().split('\n').length <= 60);
});

test('example codec: writes what the built-in frame codec writes', () => {
  for (const body of [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(70_000)]) {
    assert.deepEqual([...codec.encodeRequest({ body })], [...frame.encodeRequest({ body })]);
  }
  assert.equal(codec.pipelines, true);
});

for (const captureBytes of [0, 64]) {
  parserContract({
    name: `example codec, capturing ${captureBytes}`,
    create: (connectionLimit) => codec.createReplyParser({ connectionLimit, captureBytes }),
    describe: (parser) => Buffer.from((parser as ReplyParser).body).toString('hex'),
    streams: fc.array(fc.uint8Array({ maxLength: 90 }), { minLength: 1, maxLength: 6 }).map((bodies) => ({
      bytes: Uint8Array.from(bodies.flatMap((body) => [...codec.encodeRequest({ body })])),
      messageCount: bodies.length,
    })),
  });
}
