// Goal: what the TypeScript side reads is what the BPF side writes. Method: every layout is compared with the types
// inside its compiled object, every kernel field that is named with the running kernel's, and constants with the C text.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { needs } from '../../../test/helpers/needs.ts';
import type { Layout } from '../../kernel/abi/layout.ts';
import { parseBtf, vmlinuxBtf } from '../../kernel/btf.ts';
import * as layouts from './layouts.ts';

const { control, task_part, rival_key, rival, frame, call_stats, function_stats, edge } = layouts;

const OBJECTS: Record<string, Layout[]> = {
  syscalls: [control, task_part, layouts.syscallThread, call_stats],
  sched: [control, task_part, layouts.schedThread, rival_key, rival],
  functions: [control, task_part, layouts.functionThread, frame, function_stats, edge],
};

for (const [name, shapes] of Object.entries(OBJECTS)) {
  test(`layouts of ${name} equal the compiled structures, field by field`, () => {
    const blob = readFileSync(new URL(`./${name}/${name}.skel.bin`, import.meta.url));
    const start = blob.indexOf(Buffer.from([0x9f, 0xeb, 0x01, 0x00]));
    assert.ok(start > 0, 'no BTF in the blob');
    const btf = parseBtf(new Uint8Array(blob.subarray(start)));
    for (const shape of shapes) {
      assert.equal(btf.struct(shape.name)?.byteLength, shape.byteLength, `size of ${shape.name}`);
      for (const [field, { offset, byteLength }] of Object.entries(shape.fields)) {
        const real = btf.field(shape.name, field);
        assert.ok(real, `${shape.name} has no ${field}`);
        assert.deepEqual([real.offset, real.byteLength], [offset, byteLength], `${shape.name}.${field}`);
      }
    }
  });
}

test('every kernel field that the programs name exists in this kernel', (t) => {
  if (!needs(t, vmlinuxBtf() !== null, 'this kernel has no BTF')) return;
  const kernel = vmlinuxBtf()!;
  const header = readFileSync(new URL('./kernel.bpf.h', import.meta.url), 'utf8');
  let checked = 0;
  for (const [, name, body] of header.matchAll(/struct (\w+) \{([^}]*)\}/g)) {
    // A flavour (name___flavour) holds fields that some kernels lack.
    if (name!.includes('___')) continue;
    for (const [, field] of body!.matchAll(/\*{0,2}(\w+)(?:\[\d+\])?;/g)) {
      assert.ok(kernel.field(name!, field!), `struct ${name} has no ${field}`);
      checked++;
    }
  }
  assert.ok(checked >= 6, `only ${checked} fields found`);
});

test('limits and states have the numbers of the C sources', () => {
  const source = [
    'threads.bpf.h',
    'syscalls/syscalls.bpf.c',
    'functions/functions.bpf.c',
    'sched/sched.bpf.c',
  ]
    .map((path) => readFileSync(new URL(path, import.meta.url), 'utf8'))
    .join('\n');
  const { THREAD_LIMIT, CALL_LIMIT, FUNCTION_LIMIT, FRAME_LIMIT } = layouts;
  for (const [name, value] of Object.entries({ THREAD_LIMIT, CALL_LIMIT, FUNCTION_LIMIT, FRAME_LIMIT })) {
    assert.match(source, new RegExp(`#define ${name} ${value}\n`));
  }
  assert.match(source, new RegExp(`#define NO_CALLER 0x${layouts.NO_CALLER.toString(16)}\n`));
  assert.match(source, /enum where \{ UNKNOWN = 0, RUNNING = 1, RUNNABLE = 2, BLOCKED = 3 \}/);
  assert.deepEqual(layouts.WHERE, { unknown: 0, running: 1, runnable: 2, blocked: 3 });
});
