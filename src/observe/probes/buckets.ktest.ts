// Goal: the probes and the reader count in the same buckets. Method: the C arithmetic itself, compiled as ordinary C.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../../../test/helpers/needs.ts';
import { cycleBucketOf } from '../../record/cycle-buckets.ts';

const PROGRAM = `
#include <linux/types.h>
#include <stdio.h>
#define __always_inline inline __attribute__((always_inline))
#include "buckets.bpf.h"
int main(void) { unsigned long long v; while (scanf("%llu", &v) == 1) printf("%u\\n", bucket_of(v)); }
`;

test('C and TypeScript put every value in the same bucket', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-buckets-'));
  try {
    const include = fileURLToPath(new URL('.', import.meta.url));
    const binary = join(folder, 'buckets');
    writeFileSync(join(folder, 'main.c'), PROGRAM);
    try {
      execFileSync('cc', ['-O1', '-I', include, '-o', binary, join(folder, 'main.c')], { stdio: 'pipe' });
    } catch {
      needs(t, false, 'a C compiler');
      return;
    }
    const values: number[] = [];
    for (let octave = 0; octave < 45; octave++) {
      for (const step of [0, 0.2, 0.25, 0.4, 0.5, 0.74, 0.75, 0.99]) {
        const value = Math.floor(2 ** octave * (1 + step));
        values.push(value - 1, value, value + 1);
      }
    }
    const answers = execFileSync(binary, { input: values.join('\n') })
      .toString()
      .trim()
      .split('\n')
      .map(Number);
    assert.deepEqual(answers, values.map(cycleBucketOf));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
