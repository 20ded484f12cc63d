// Goal: routes are read as written, wrong ones refused with the place and the form. Method: tables, files in a folder.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { LoopscopeError } from '../../base/errors.ts';
import { PathTable } from './path-table.ts';
import { parseRoute, readRoutesFile } from './route.ts';

const text = (body64: string) => Buffer.from(body64, 'base64').toString();

test('a route on the command line', () => {
  const { path, status, body64 } = parseRoute('/ping=a=b');
  assert.deepEqual([path, status, text(body64)], ['/ping', 200, 'a=b']);
  assert.equal(text(parseRoute('*=').body64), '');
  for (const wrong of ['', 'ping=pong', '/ping', '=x', '/a b=c', '/a\n=c']) {
    assert.throws(() => parseRoute(wrong), { code: 'USAGE', message: /--route/ }, wrong);
  }
});

test('a routes file: every form, and what is wrong with it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-routes-'));
  const file = join(folder, 'routes.json');
  const read = (content: unknown) => {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return readRoutesFile(file);
  };
  try {
    writeFileSync(join(folder, 'page.html'), '<p>');
    const routes = read({
      '/ping': 'pong',
      '/page': { file: 'page.html', type: 'text/html' },
      '/big': { bytes: 3 },
      '*': { status: 404, body: 'no' },
    });
    assert.deepEqual(
      routes.map(({ path, status, contentType, body64 }) => [path, status, contentType, text(body64)]),
      [
        ['/ping', 200, 'text/plain; charset=utf-8', 'pong'],
        ['/page', 200, 'text/html', '<p>'],
        ['/big', 200, 'text/plain; charset=utf-8', 'xxx'],
        ['*', 404, 'text/plain; charset=utf-8', 'no'],
      ],
    );
    const wrong: [unknown, RegExp][] = [
      ['{', /not JSON/],
      [{ ping: 'x' }, /begins with/],
      [{ '/a': { status: 99 } }, /\/a → status/],
      [{ '/a': { type: 'x\r\nSet-Cookie: y' } }, /not a content type/],
      [{ '/a': { body: 'x', bytes: 3 } }, /exclude each other/],
      [{ '/a': { bytes: 1e12 } }, /\/a → bytes/],
      [{ '/a': { what: 1 } }, /what/],
      [{ '/a': 7 }, /\/a/],
    ];
    for (const [content, message] of wrong) {
      assert.throws(() => read(content), { code: 'USAGE', message }, JSON.stringify(content));
    }
    assert.throws(() => read({ '/a': { file: 'absent' } }), { code: 'FILE_UNREADABLE' });
    assert.throws(
      () => readRoutesFile(join(folder, 'absent')),
      (error) => error instanceof LoopscopeError && error.code === 'FILE_UNREADABLE',
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('paths are found as a map would find them', () => {
  const path = fc.stringMatching(/^\/[a-c]{0,4}$/);
  fc.assert(
    fc.property(fc.array(path), fc.array(path), fc.boolean(), (paths, asked, hasFallback) => {
      const all = hasFallback ? [...paths, '*'] : paths;
      const table = new PathTable(all);
      for (const one of [...asked, ...paths]) {
        const bytes = new TextEncoder().encode(`x${one}?`);
        const expected = all.lastIndexOf(one) >= 0 ? all.lastIndexOf(one) : all.lastIndexOf('*');
        assert.equal(table.find(bytes, 1, bytes.length - 1), expected, one);
      }
    }),
  );
});
