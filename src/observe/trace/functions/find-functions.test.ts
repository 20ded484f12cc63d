// Goal: names, patterns and files lead to the right code; what has none is explained. Method: a small program compiled
// here, and this process's own libc.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../../../../test/helpers/needs.ts';
import type { LoopscopeError } from '../../../base/errors.ts';
import { knownBinary } from '../testing/known-calls.ts';
import { findFunctions } from './find-functions.ts';
import { fileAt, mappedFiles } from './mapped-files.ts';
import { plainName, symbolTableOf } from './symbol-table.ts';

const hasCompiler = knownBinary() !== null;

function names(patterns: string[]): string[] {
  return findFunctions(patterns, [fileAt(knownBinary()!)])
    .functions.map(({ name }) => name)
    .sort();
}

function failure(pattern: string): LoopscopeError {
  try {
    findFunctions([pattern], [fileAt(knownBinary()!)]);
  } catch (error) {
    return error as LoopscopeError;
  }
  assert.fail(`${pattern} was found`);
}

test('by name, by pattern, with the file; each once', (t) => {
  if (!needs(t, hasCompiler, 'a C compiler')) return;
  assert.deepEqual(names(['outer', 'outer', 'known-calls:outer']), ['outer']);
  assert.deepEqual(names(['j*', '?fter']), ['after', 'jumper', 'jumps']);
  assert.ok(names(['*']).length > 8);
});

test('offsets are inside the code of the file', (t) => {
  if (!needs(t, hasCompiler, 'a C compiler')) return;
  const { module } = fileAt(knownBinary()!);
  const table = symbolTableOf(module);
  assert.ok(table.hasLocals);
  for (const { fileOffset, symbol } of table.functions) {
    const segment = module.header.segments.find(
      ({ offset, fileBytes }) => fileOffset >= offset && fileOffset < offset + fileBytes,
    );
    assert.ok(segment?.executable, symbol);
  }
});

test('what was inlined away, what is imported, what is nowhere', (t) => {
  if (!needs(t, hasCompiler, 'a C compiler')) return;
  assert.match(failure('always_inlined').message, /inlined away/);
  assert.match(failure('outre').hint, /outer/);
  const nowhere = failure('qqqqqqqqq');
  assert.equal(nowhere.code, 'USAGE');
  assert.match(nowhere.hint, /nm -C/);
  assert.match(failure('zz*').message, /no function/);
});

test('a function of the kernel is refused as such', (t) => {
  if (!needs(t, hasCompiler, 'a C compiler')) return;
  for (const name of ['kernel:tcp_sendmsg', 'tcp_sendmsg']) {
    const error = failure(name);
    assert.equal(error.code, 'KERNEL_FEATURE');
    assert.match(error.message, /tcp_sendmsg is a function of the kernel/);
  }
});

test('a file that is not there, or no ELF', () => {
  for (const path of ['/nonexistent', '/etc/passwd', '/tmp']) {
    assert.throws(
      () => fileAt(path),
      (error: LoopscopeError) => error.code === 'FILE_UNREADABLE',
      path,
    );
  }
});

test('our own libraries: the program first, and an indirect function refused', (t) => {
  const files = mappedFiles(process.pid);
  const libc = files.find((file) => /^libc\.so/.test(file.module.name));
  if (!needs(t, libc !== undefined, 'glibc')) return;
  assert.equal(files[0]!.path, process.execPath);
  const [found] = findFunctions(['libc:epoll_wait'], files).functions;
  assert.equal(found!.file, libc);
  assert.throws(() => findFunctions(['libc:memcpy'], files), /IFUNC/);
  assert.deepEqual(mappedFiles(4194305), []);
});

test('C++ and Rust names without their parameters', () => {
  assert.equal(plainName('_ZN3foo3barEi'), 'foo::bar');
  assert.equal(plainName('main'), 'main');
  // foo::bar() const, and a lambda in f(int), which is no f.
  assert.equal(plainName('_ZNK3foo3barEv'), 'foo::bar');
  assert.notEqual(plainName('_ZZ1fiENKUlvE_clEv'), 'f');
});
