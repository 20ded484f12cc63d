// Goal: what the TypeScript side reads is what the BPF side writes. Method: the compiled object carries its own type
// information (BTF); every layout is compared with it, and every kernel field we name with the running kernel's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { needs } from '../../../test/helpers/needs.ts';
import { type Btf, parseBtf, vmlinuxBtf } from '../../kernel/btf.ts';
import { cycleBucketOf } from '../../record/cycle-buckets.ts';
import { WAIT_KIND } from '../loops/wait-calls.ts';
import * as layouts from './layouts.ts';

/** The blob's loader data holds the object's BTF: it begins with the magic number and the version. */
function objectBtf(): Btf {
  const blob = readFileSync(new URL('./observer.skel.bin', import.meta.url));
  const start = blob.indexOf(Buffer.from([0x9f, 0xeb, 0x01, 0x00]));
  assert.ok(start > 0, 'no BTF in the blob');
  return parseBtf(new Uint8Array(blob.subarray(start)));
}

const structs = Object.values(layouts).filter((value) => typeof value === 'object' && 'byteLength' in value);

test('every layout equals the compiled structure, field by field', () => {
  const btf = objectBtf();
  assert.ok(structs.length >= 8);
  for (const shape of structs) {
    const compiled = btf.struct(shape.name);
    assert.ok(compiled, `no struct ${shape.name} in the object`);
    assert.equal(compiled.byteLength, shape.byteLength, `size of ${shape.name}`);
    for (const [name, field] of Object.entries(shape.fields)) {
      const real = btf.field(shape.name, name);
      assert.ok(real, `${shape.name} has no ${name}`);
      assert.deepEqual(
        [real.offset, real.byteLength],
        [field.offset, field.byteLength],
        `${shape.name}.${name}`,
      );
    }
  }
});

test('every kernel field that the probes name exists in this kernel', (t) => {
  if (!needs(t, vmlinuxBtf() !== null, 'this kernel has no BTF')) return;
  const kernel = vmlinuxBtf()!;
  const header = readFileSync(new URL('./kernel.bpf.h', import.meta.url), 'utf8');
  let checked = 0;
  for (const [, name, body] of header.matchAll(/struct (\w+) \{([^}]*)\}/g)) {
    // A flavour (name___flavour) holds fields that some kernels lack: the probes ask before they read them.
    if (name!.includes('___')) continue;
    for (const [, field] of body!.matchAll(/\*{0,2}(\w+)(?:\[\d+\])?;/g)) {
      assert.ok(kernel.field(name!, field!), `struct ${name} has no ${field}`);
      checked++;
    }
  }
  assert.ok(checked > 20, `only ${checked} fields found in kernel.bpf.h`);
});

test('the bucket arithmetic is the same on both sides', () => {
  // The C source is plain integer arithmetic: run it here, transcribed by its own text.
  const source = readFileSync(new URL('./buckets.bpf.h', import.meta.url), 'utf8');
  assert.match(source, /octave \* 4 \+ \(\(v >> \(octave - 2\)\) & 3\) - 4/);
  assert.match(source, /#define BUCKET_COUNT 168/);
  for (const value of [0, 1, 3, 4, 5, 7, 8, 1000, 123_456, 2e6, 1e9, 2 ** 42]) {
    const octave = Math.floor(Math.log2(value));
    const inC =
      value < 4 ? value : Math.min(167, octave * 4 + Number((BigInt(value) >> BigInt(octave - 2)) & 3n) - 4);
    assert.equal(cycleBucketOf(value), inC, String(value));
  }
});

test('kinds of waits have the numbers of the C enum', () => {
  const source = readFileSync(new URL('./cycle/timeouts.bpf.h', import.meta.url), 'utf8');
  const names = /enum wait_kind \{ ([^}]+) \}/.exec(source)?.[1]?.split(', ') ?? [];
  assert.deepEqual(names, [
    'WAIT_MS_ARG3 = 1',
    'WAIT_MS_ARG2',
    'WAIT_TS_ARG3',
    'WAIT_TS_ARG2',
    'WAIT_TS_ARG4',
    'WAIT_TV_ARG4',
    'WAIT_URING',
  ]);
  assert.deepEqual(
    [
      WAIT_KIND.millisecondsInArg3,
      WAIT_KIND.millisecondsInArg2,
      WAIT_KIND.timespecInArg3,
      WAIT_KIND.timespecInArg2,
      WAIT_KIND.timespecInArg4,
      WAIT_KIND.timevalInArg4,
      WAIT_KIND.ring,
    ],
    [1, 2, 3, 4, 5, 6, 7],
  );
});
