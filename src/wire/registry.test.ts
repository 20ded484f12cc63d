// Goal: every built-in codec and each of its options is documented, and nothing else is. Method: docs/reference/codecs.md
// against the registry.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../test/helpers/source-files.ts';
import { isCodecPath, loadCodec } from './custom/load-codec.ts';
import { CODEC_NAMES, CODECS } from './registry.ts';

const text = readFileSync(join(root, 'docs/reference/codecs.md'), 'utf8');

test('registry: names are unique, and none could be a file', () => {
  assert.equal(new Set(CODEC_NAMES).size, CODECS.length);
  for (const codec of CODECS) {
    assert.equal(isCodecPath(codec.name), false);
    assert.match(codec.name, /^[a-z][a-z0-9-]*$/);
    assert.ok(codec.summary.length > 10 && !codec.summary.includes('\n'));
  }
});

test('registry: the documented codecs and options are the real ones', () => {
  const sections = [...text.matchAll(/^### ([a-z0-9-]+)\n([\s\S]*?)(?=^##)/gm)];
  const documented = sections.map(([, name, body]) => [
    name,
    [...body!.matchAll(/^\| `([a-zA-Z]+)` \|/gm)].map((row) => row[1]!),
  ]);
  const real = CODECS.map((codec) => [codec.name, codec.options.map((option) => option.name)]);
  assert.deepEqual(documented, real);
});

test('registry: the documented examples load', async () => {
  const examples = [...text.matchAll(/--codec ('[^']+'|\S+)/g)].map((match) => match[1]!.replaceAll("'", ''));
  const names = new Set<string>();
  for (const example of examples.filter((name) => !isCodecPath(name))) {
    names.add((await loadCodec(example)).name);
  }
  assert.deepEqual([...names].sort(), [...CODEC_NAMES].sort());
});
