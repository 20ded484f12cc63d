// Goal: ELF files, unwind rules and BTF that were damaged, or made to do damage, are read at a bounded cost and fail nobody.
// Method: real ones and crafted ones changed at random, one for each seed; what reading costs is counted.
// (test/fuzz/binary-mutants.ts tries as many as one likes.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BINARY_KINDS, tryBinary } from '../../test/fuzz/binary-trial.ts';
import { runs } from '../../test/helpers/depth.ts';

for (const kind of BINARY_KINDS) {
  test(`mutated: ${kind}`, () => {
    const count = runs(20_000);
    for (let seed = 0; seed < count; seed++) assert.equal(tryBinary(kind, seed), null, `seed ${seed}`);
  });
}
