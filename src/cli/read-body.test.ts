// Goal: a body is the bytes that were meant, and reading it ends. Method: sources made of pieces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BodySources, readBody } from './read-body.ts';

async function* pieces(...all: Uint8Array[]) {
  yield* all;
}

async function* endless() {
  for (;;) yield new Uint8Array(1000);
}

const BINARY = Uint8Array.from({ length: 256 }, (_, i) => i);

const sources: BodySources = {
  stdin: pieces(BINARY, Buffer.from('é\r\n')),
  file: (path) => {
    if (path === '/dev/zero') return endless();
    if (path === 'gone') throw Object.assign(new Error('no'), { code: 'ENOENT' });
    return pieces(Buffer.from('<'), Buffer.from(path), Buffer.from('>'));
  },
  limitBytes: 5000,
};

test('bodies: text, a file, standard input, or none', async () => {
  assert.equal(await readBody({}, sources), null);
  assert.deepEqual(await readBody({ body: 'é' }, sources), Buffer.from('é'));
  assert.deepEqual(await readBody({ body: '' }, sources), Buffer.alloc(0));
  assert.deepEqual(await readBody({ bodyFile: 'f' }, sources), Buffer.from('<f>'));
  assert.deepEqual(await readBody({ bodyFile: '-' }, sources), Buffer.from('<->'));
  assert.deepEqual(await readBody({ body: '@a/b' }, sources), Buffer.from('<a/b>'));
  assert.deepEqual(await readBody({ body: '-' }, sources), Buffer.concat([BINARY, Buffer.from('é\r\n')]));
});

for (const [name, flags, code, message] of [
  ['two of them', { body: '', bodyFile: 'f' }, 'USAGE', /--body-file is given too/],
  ['a file that is not there', { bodyFile: 'gone' }, 'FILE_UNREADABLE', /--body-file: .* gone: there is no/],
  ['the same after @', { body: '@gone' }, 'FILE_UNREADABLE', /--body: cannot read gone: there is no such/],
  ['no name after @', { body: '@' }, 'USAGE', /no file is named/],
  ['a file without end', { body: '@/dev/zero' }, 'USAGE', /more than 4.88 KiB/],
] as const) {
  test(`bodies: ${name}: refused`, async () => {
    await assert.rejects(readBody(flags, sources), { code, message });
  });
}
