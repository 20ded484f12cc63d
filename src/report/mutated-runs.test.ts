// Goal: a run file from elsewhere is refused with a sentence or rendered in every form, at a bounded cost. Method: real run
// files with values, keys, lines and bytes changed, one for each seed; what took long or threw is told by its seed.
// (test/fuzz/report-mutants.ts tries as many as one likes.)
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { mutatedRunFile } from '../../test/fuzz/mutated-run.ts';
import { tryReport } from '../../test/fuzz/report-trial.ts';
import { runs } from '../../test/helpers/depth.ts';
import { secondsOf } from './model/seconds.ts';
import { sampleRun } from './testing/sample-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-mutated-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'run.loopscope');

/** Ten times what the dearest of a hundred thousand needed on an idle machine. */
const CPU_LIMIT_MS = 10_000;
const OUTPUT_LIMIT_BYTES = 20e6;

test('mutated run files are refused or rendered', () => {
  const ends = { refused: 0, rendered: 0 };
  const count = runs(2000);
  for (let seed = 0; seed < count; seed++) {
    writeFileSync(path, mutatedRunFile(seed));
    const before = process.cpuUsage();
    try {
      const { refused, outputBytes } = tryReport(path);
      ends[refused === null ? 'rendered' : 'refused']++;
      assert.ok(outputBytes < OUTPUT_LIMIT_BYTES, `${outputBytes} bytes`);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
    const { user, system } = process.cpuUsage(before);
    assert.ok((user + system) / 1000 < CPU_LIMIT_MS, `seed ${seed}: ${(user + system) / 1000} ms of CPU`);
  }
  assert.ok(ends.refused > count / 10 && ends.rendered > count / 10, JSON.stringify(ends));
});

test('as many blocks as no call could take as arguments', () => {
  const load = sampleRun({ seconds: 2, ratePerSec: 60 }).load!;
  load.blocks = Array.from({ length: 200_000 }, () => load.blocks[0]!);
  assert.equal(secondsOf(load).length, 1);
});
