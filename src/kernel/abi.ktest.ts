// Goal: no offset or size of a hand-written kernel struct is wrong on the running kernel.
// Method: every layout exported from abi/ is compared, field by field, with the kernel's BTF.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { needs } from '../../test/helpers/needs.ts';
import type { Layout } from './abi/layout.ts';
import { vmlinuxBtf } from './btf.ts';

const folder = new URL('./abi/', import.meta.url);
const layouts: Layout[] = [];
for (const file of readdirSync(folder).filter((name) => /^[^.]+\.[jt]s$/.test(name))) {
  for (const value of Object.values(await import(new URL(file, folder).href))) {
    if (isLayout(value)) layouts.push(value);
  }
}

test('there are layouts to check', () => {
  for (const name of ['io_uring_sqe', 'io_uring_cqe', 'epoll_event', 'sockaddr_un']) {
    assert.ok(
      layouts.some((layout) => layout.name === name),
      name,
    );
  }
});

for (const layout of layouts) {
  const title = layout.within ? `${layout.name}.${layout.within}` : layout.name;
  test(`${title} is laid out as the kernel has it`, (t) => {
    const btf = vmlinuxBtf();
    if (!needs(t, btf !== null, 'the kernel has no BTF')) return;
    const struct = btf!.struct(layout.name);
    assert.ok(struct, `the kernel has no struct ${layout.name}`);
    if (layout.growing) assert.ok(layout.byteLength <= struct.byteLength, `${struct.byteLength} bytes`);
    else assert.equal(layout.byteLength, struct.byteLength);
    for (const [path, field] of Object.entries(layout.fields)) {
      const bitWord = layout.bitWords[path];
      const name = bitWord ?? path;
      const actual = btf!.field(layout.name, layout.within ? `${layout.within}.${name}` : name);
      assert.ok(actual, `${title} has no field ${name}`);
      assert.equal(field.offset, actual.offset, path);
      if (bitWord === undefined) assert.equal(field.byteLength, actual.byteLength, path);
    }
  });
}

function isLayout(value: unknown): value is Layout {
  return typeof value === 'object' && value !== null && 'fields' in value && 'byteLength' in value;
}
