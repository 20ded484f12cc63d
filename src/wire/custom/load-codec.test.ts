// Goal: a codec is found by name or in a file, and each mistake is named with its file and member. Method: a table.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LoopscopeError } from '../../base/errors.ts';
import { CODECS } from '../registry.ts';
import { codecReference, isCodecPath, loadCodec } from './load-codec.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-codec-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let fileCount = 0;
function file(text: string, extension = 'ts'): string {
  const path = join(folder, `codec-${fileCount++}.${extension}`);
  writeFileSync(path, text);
  return path;
}

const GOOD = `export const codec = {
  name: 'mine', encodeRequest: () => new Uint8Array([1]), replyLength: (): number => 1,
};`;
const WHOLE = (parser: string) => `export const codec = {
  name: 'whole', summary: 's', pipelines: true, encodeRequest: () => new Uint8Array([1]),
  createReplyParser: () => (${parser}),
};`;

test('loadCodec: built-ins by name', async () => {
  for (const codec of CODECS) assert.equal(await loadCodec(codec.name), codec);
});

test('loadCodec: a file with two functions is a codec, in TypeScript or JavaScript', async () => {
  for (const path of [file(GOOD), file(GOOD.replace(': number', ''), 'mjs')]) {
    const codec = await loadCodec(path);
    assert.equal(codec.name, 'mine');
    assert.equal(codec.pipelines, true);
    assert.deepEqual([...codec.encodeRequest({})], [1]);
    assert.equal(codec.createReplyParser({ connectionLimit: 1 }).midMessage(0), false);
  }
});

test('loadCodec: a file with a whole codec is one', async () => {
  const parser = `{ feed: () => 1, endOfStream: () => 0, midMessage: () => false, reset() {}, expectNoBody() {},
    next: 0, status: 0, wrongReason: '', problem: '', body: new Uint8Array(0), headerText: '' }`;
  const codec = await loadCodec(file(WHOLE(parser)));
  assert.equal(codec.name, 'whole');
});

test('loadCodec: names and paths are told apart, and a path holds in any folder', () => {
  assert.equal(isCodecPath('frame:magic=4c53'), false);
  assert.equal(isCodecPath('./x'), true);
  assert.equal(isCodecPath('codec.ts'), true);
  assert.equal(codecReference('resp'), 'resp');
  assert.equal(codecReference('/a/b.ts'), '/a/b.ts');
  assert.equal(codecReference('b.ts'), join(process.cwd(), 'b.ts'));
});

const MISTAKES: [name: string, nameOrPath: () => string, message: RegExp, hint: RegExp][] = [
  ['an unknown name', () => 'htp', /"htp" is none of http1, frame, line, resp, echo/, /\.\/my-codec\.ts/],
  ['an unknown option', () => 'frame:wide=2', /codec frame: there is no option "wide"/, /there are: width/],
  ['an option where there are none', () => 'resp:x', /no option "x"/, /write --codec resp/],
  ['an option twice', () => 'frame:width=2,width=4', /"width" is given twice/, /^$/],
  ['a value that is no number', () => 'frame:width=two', /width=two will not do/, /whole number/],
  ['a value out of range', () => 'frame:width=7', /width is 7/, /one of 1, 2, 3, 4, 8/],
  ['an endianness that is none', () => 'frame:endian=middle', /endian=middle/, /big or little/],
  ['an unknown escape', () => 'line:terminator=\\q', /terminator=\\q/, /"\\q" is not an escape/],
  ['an empty terminator', () => 'line:terminator=', /terminator=/, /1 to 16 bytes/],
  ['a flag that is none', () => 'echo:compare=maybe', /compare=maybe/, /yes or no/],
  ['no file', () => join(folder, 'none.ts'), /there is no file .*none\.ts/, /path/],
  ['a folder', () => `${folder}/`, /not a \.ts/, /name one/],
  ['another kind of file', () => file('{}', 'json'), /not a \.ts/, /name one/],
  [
    'a syntax error',
    () => file('export const = 1'),
    /codec-\d+\.ts is not valid TypeScript/,
    /loopscope-node/,
  ],
  ['a syntax error in JavaScript', () => file('let x = ;', 'mjs'), /not valid JavaScript/, /loopscope-node/],
  ['an enum', () => file('enum A { B }\nexport const codec = A;'), /cannot strip/, /no enum/],
  [
    'an import of nothing',
    () => file(`import './gone.ts';\n${GOOD}`),
    /could not be loaded.*gone/,
    /full name/,
  ],
  ['a file that throws', () => file(`throw new Error('boo');`), /could not be loaded: boo/, /by itself/],
  [
    'no export',
    () => file('export const code = 1;'),
    /no export named codec, only code/,
    /export const codec/,
  ],
  ['a default export', () => file('export default {};'), /only default/, /export const codec/],
  ['an empty file', () => file('export {};'), /no export named codec$/, /export const codec/],
  [
    'an export that is a text',
    () => file(`export const codec = 'x';`),
    /it is a string, not an object/,
    /export/,
  ],
  [
    'a missing function',
    () => file(`export const codec = { name: 'a' };`),
    /encodeRequest is missing/,
    /write/,
  ],
  [
    'a wrong kind of member',
    () => file(GOOD.replace('(): number => 1', '3')),
    /replyLength is a number, not a function/,
    /replyLength\(bytes, start, end\)/,
  ],
  [
    'a whole codec without pipelines',
    () => file(WHOLE('{}').replace('pipelines: true,', '')),
    /pipelines is missing, not a boolean/,
    /pipelines: true/,
  ],
  [
    'a parser without feed',
    () => file(WHOLE('{}')),
    /the parser's feed is missing, not a function/,
    /codecs\.md/,
  ],
  ['a parser that is none', () => file(WHOLE('7')), /createReplyParser returned a number/, /ReplyParser/],
  ['a maker that throws', () => file(WHOLE('x')), /createReplyParser.* threw ReferenceError/, /ReplyParser/],
];

for (const [name, nameOrPath, message, hint] of MISTAKES) {
  test(`loadCodec: ${name}`, async () => {
    const error = await loadCodec(nameOrPath()).then(
      () => assert.fail('it was loaded'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof LoopscopeError, String(error));
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    assert.match(error.code, /^(USAGE|FILE_UNREADABLE)$/);
  });
}

for (const [name, body, message] of [
  ['throws', `() => { throw new Error('boo'); }`, /codec-\d+\.ts: codec: encodeRequest threw Error: boo/],
  ['returns a text', `() => 'x'`, /encodeRequest returned a string, not a Uint8Array/],
  ['returns nothing', `() => new Uint8Array(0)`, /encodeRequest returned no bytes/],
] as const) {
  test(`loadCodec: an encodeRequest that ${name} is named`, async () => {
    const codec = await loadCodec(file(GOOD.replace('() => new Uint8Array([1])', body)));
    assert.throws(() => codec.encodeRequest({}), { code: 'USAGE', message });
  });
}
