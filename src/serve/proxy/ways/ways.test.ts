// Goal: what every way in must be, so that a newcomer learns what it is missing. Method: over the registry; every talk cut
// at every byte, with other bytes around it, and mutated.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { beginTalk, SAMPLES } from '../../../../test/fuzz/talk-inputs.ts';
import { TALK_KINDS, tryTalk } from '../../../../test/fuzz/talk-trial.ts';
import { root } from '../../../../test/helpers/source-files.ts';
import { WAYS, wayNamed } from './registry.ts';
import { converse } from './testing/converse.ts';

const documented = readFileSync(join(root, 'docs/reference/ways.md'), 'utf8');
const SEEDS_IN_GATE = 3000;

for (const way of WAYS) {
  test(`${way.name}: complete and documented`, () => {
    assert.equal(wayNamed(way.name), way);
    assert.ok(way.summary.length > 20 && way.summary.length < 120);
    const section = documented.split('\n## ').find((part) => part.startsWith(`${way.name}\n`));
    assert.ok(section, 'a section in docs/reference/ways.md');
    assert.ok(section.length > 100);
    // Whoever speaks first has something to be read, and so to be mutated.
    assert.equal((TALK_KINDS as readonly string[]).includes(way.name), way.speaksFirst);
  });
}

for (const kind of TALK_KINDS) {
  test(`${kind}: cut at every byte, the talk is the same`, () => {
    for (const bytes of SAMPLES[kind]) {
      const whole = converse(beginTalk(kind, true), bytes);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const { said, end, consumed } = converse(beginTalk(kind, true), bytes, [cut], cut & 0xff);
        assert.deepEqual(
          { said, end, consumed, stepCount: whole.stepCount },
          whole,
          `${cut} of ${bytes.length}`,
        );
      }
    }
  });

  test(`${kind}: a byte at a time costs no more than a few looks at each`, () => {
    for (const bytes of SAMPLES[kind]) {
      const talk = beginTalk(kind, true);
      const looked = counting(bytes);
      for (let end = 0, start = 0; end <= bytes.length; end++) {
        const step = talk.step(looked.bytes, start, end);
        if (step.kind === 'wants' || step.kind === 'wrong') break;
        if (step.kind !== 'more') start += step.consumed;
      }
      assert.ok(looked.count() <= 24 * bytes.length + 64, `${looked.count()} looks at ${bytes.length} bytes`);
    }
  });

  test(`${kind}: mutated input never throws, and never depends on how it is cut`, () => {
    const ends = new Map<string, number>();
    for (let seed = 0; seed < SEEDS_IN_GATE; seed++) {
      const tried = tryTalk(kind, seed);
      assert.equal(tried.wrong, null, `seed ${seed}: ${tried.wrong}`);
      ends.set(tried.end, (ends.get(tried.end) ?? 0) + 1);
    }
    for (const end of ['more', 'wrong', 'read'])
      assert.ok(ends.get(end)! > SEEDS_IN_GATE / 100, `${end}: ${ends.get(end)} of ${SEEDS_IN_GATE}`);
  });
}

/** The same bytes, and how often one of them was looked at. */
function counting(bytes: Uint8Array): { bytes: Uint8Array; count(): number } {
  let count = 0;
  const seen = new Proxy(bytes, {
    get(target, name) {
      if (typeof name === 'string' && /^\d+$/.test(name)) count++;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { bytes: seen, count: () => count };
}
