// Goal: whatever a log is packed in, and however it ends, what can be read is read, each line is counted once, and damage
// is told with its place. Method: small logs, packed, cut and broken; fakes for what shrinks.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { rmSync, truncateSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createPrng } from '../../../base/prng.ts';
import { openReplay } from '../open-replay.ts';
import { combined, logFolder, type Replayed, replayed, timed } from '../testing/replayed.ts';
import { packingOf } from './packing.ts';

const SEED = 5;

/** Lines that do not pack too well, so that damage is in the middle of something. */
function lines(count: number, offsetSec = 0): string[] {
  const prng = createPrng(SEED, offsetSec);
  return Array.from({ length: count }, (_, i) =>
    combined(offsetSec + i / 100, { path: `/${i}?key=${prng.below(2 ** 32).toString(36)}` }),
  );
}

const textOf = (all: readonly string[]) => `${all.join('\n')}\n`;

function assertAccounted({ requests, summary }: Replayed): void {
  const refused = summary.refused.reduce((sum, { count }) => sum + count, 0);
  const leftOut = summary.leftOut.reduce((sum, { count }) => sum + count, 0);
  assert.equal(summary.requestCount, requests.length);
  assert.equal(summary.lineCount, requests.length + refused + leftOut);
}

const all = lines(20_000);
const half = all.length / 2;
const whole = Buffer.from(textOf(all));
const two = (pack: (bytes: Buffer) => Buffer) =>
  Buffer.concat([pack(Buffer.from(textOf(all.slice(0, half)))), pack(Buffer.from(textOf(all.slice(half))))]);

const PACKED: [name: string, bytes: Buffer, packing: string][] = [
  ['plain', whole, 'plain'],
  ['gzip', gzipSync(whole), 'gzip'],
  ['two gzip members', two(gzipSync), 'gzip'],
  ['zstd', zstdCompressSync(whole), 'zstd'],
  ['two zstd frames', two(zstdCompressSync), 'zstd'],
  ['CRLF', Buffer.from(`${all.join('\r\n')}\r\n`), 'plain'],
  ['no end of the last line', Buffer.from(all.join('\n')), 'plain'],
];

for (const [name, bytes, packing] of PACKED) {
  test(`${name}: every line is a request, whatever the file's name says`, async () => {
    using folder = logFolder();
    const read = await replayed({ files: [folder.write('log.txt', bytes)] });
    assertAccounted(read);
    assert.equal(read.requests.length, all.length);
    assert.deepEqual(read.summary.refused, []);
    assert.deepEqual(
      read.summary.sources.map(({ packing: was, damage, lineCount }) => ({ was, damage, lineCount })),
      [{ was: packing, damage: null, lineCount: all.length }],
    );
  });
}

const DAMAGED: [name: string, bytes: Buffer, atLeast: number, damage: RegExp][] = [
  ['gzip, cut', cut(gzipSync(whole), 0.5), 8000, /^the gzip data ends in the middle, after [\d.]+ KiB/],
  [
    'zstd, cut',
    cut(zstdCompressSync(whole), 0.7),
    2000,
    /^the zstd data ends in the middle, after [\d.]+ KiB/,
  ],
  [
    'gzip, then something else',
    Buffer.concat([gzipSync(whole), Buffer.from('hello')]),
    19_000,
    /^the gzip data is damaged within/,
  ],
  ['gzip, broken', broken(two(gzipSync)), 4000, /^the gzip data is damaged within its first [\d.]+ KiB/],
];

for (const [name, bytes, atLeast, damage] of DAMAGED) {
  test(`${name}: what was read counts, and the damage is told with its place`, async () => {
    using folder = logFolder();
    const read = await replayed({ files: [folder.write('log', bytes)] });
    assertAccounted(read);
    assert.ok(read.requests.length >= atLeast, `${read.requests.length}`);
    assert.match(read.summary.sources[0]!.damage!, damage);
    assert.match(read.summary.remarks.join(), /log: the g?z/);
    // A line that an end cut in two is refused as that; what is broken may be unpacked to anything.
    const reasons = read.summary.refused.map(({ meaning }) => meaning);
    if (name.endsWith('cut')) assert.ok(reasons.every((each) => each === 'cut short at the end of the file'));
  });
}

function cut(bytes: Buffer, share: number): Buffer {
  return bytes.subarray(0, Math.floor(bytes.length * share));
}

function broken(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0xff, Math.floor(copy.length * 0.4), Math.floor(copy.length * 0.4) + 400);
  return copy;
}

test('magic bytes', () => {
  assert.equal(packingOf(gzipSync('')), 'gzip');
  assert.equal(packingOf(zstdCompressSync('')), 'zstd');
  assert.equal(packingOf(Buffer.from([0x52, 0x2a, 0x4d, 0x18])), 'zstd');
  assert.equal(packingOf(Buffer.from('127.')), 'plain');
  assert.equal(packingOf(new Uint8Array(0)), 'plain');
});

test('rotated files are read in the order of their stamps, however they are named; two that overlap are merged', async () => {
  using folder = logFolder();
  const part = (fromSec: number, name: string) =>
    Array.from({ length: 100 }, (_, i) => timed(fromSec + i, 0, { path: `/${name}/${i}` }));
  const files = [
    folder.write('access.log', textOf(part(200, 'c'))),
    folder.write('access.log.1', textOf(part(100, 'b'))),
    folder.write('access.log.2.gz', gzipSync(textOf(part(0, 'a')))),
    folder.write('other.log', textOf(part(250.5, 'd'))),
    folder.write('empty.log', ''),
    folder.write('comments.log', '# nothing\n# here\n'),
  ];
  const read = await replayed({ files });
  assertAccounted(read);
  assert.equal(read.requests.length, 400);
  assert.deepEqual(
    read.requests.slice(0, 250).map(({ path }) => path),
    Array.from({ length: 250 }, (_, i) => `/${'abc'[Math.floor(i / 100)]}/${i % 100}`),
  );
  assert.deepEqual(
    read.requests.slice(250, 256).map(({ path }) => path),
    ['/c/50', '/d/0', '/c/51', '/d/1', '/c/52', '/d/2'],
  );
  assert.deepEqual(
    read.summary.sources.map(({ lineCount }) => lineCount),
    [100, 100, 100, 100, 0, 2],
  );
});

test('a file that is gone when its turn comes is told, and the others are read', async () => {
  using folder = logFolder();
  const first = folder.write('a', textOf(lines(10)));
  const second = folder.write('b', textOf(lines(10, 100)));
  const reader = await openReplay({ files: [first, second], host: 'x' });
  rmSync(second);
  const summary = await reader.pump({ push: () => true, room: async () => {} }, new AbortController().signal);
  assert.equal(summary.requestCount, 10);
  assert.match(summary.remarks.join(), /b: there is no such file any more, when its turn came/);
});

test('a file that shrinks while it is read is told', async () => {
  using folder = logFolder();
  const path = folder.write('log', textOf(lines(20_000)));
  const reader = await openReplay({ files: [path], host: 'x' });
  let isCut = false;
  const summary = await reader.pump(
    {
      push() {
        if (!isCut) truncateSync(path, 1000);
        isCut = true;
        return true;
      },
      room: async () => {},
    },
    new AbortController().signal,
  );
  assert.ok(summary.requestCount > 1000 && summary.requestCount < 20_000, `${summary.requestCount}`);
  assert.match(summary.remarks.join(), /log: it shrank from 1\.\d+ MiB to \d+ KiB while it was read/);
});

const UNREADABLE: [
  name: string,
  files: (folder: ReturnType<typeof logFolder>) => string[],
  message: RegExp,
][] = [
  ['no file', () => [], /no log is named/],
  ['one that is not there', () => ['/nonexistent/log'], /\/nonexistent\/log: there is no such file/],
  ['a folder', () => ['/tmp'], /\/tmp: it is a folder/],
  ['standard input twice', () => ['-', '-'], /standard input is named twice/],
  [
    'a picture',
    (folder) => [folder.write('p', Buffer.from(Array.from({ length: 9999 }, (_, i) => (i * 37) % 256)))],
    /p: no format reads most of the first lines/,
  ],
];

for (const [name, files, message] of UNREADABLE) {
  test(`refused with a sentence: ${name}`, async () => {
    using folder = logFolder();
    await assert.rejects(openReplay({ files: files(folder), host: 'x' }), { message });
  });
}

test('a sum of lines: refused, left out and sent, with places and an example', async () => {
  using folder = logFolder();
  const text = [
    combined(0),
    'hello',
    combined(1, { method: 'POST' }),
    `${combined(1).slice(0, 40)}\u0000\u001b[31m`,
    '',
    '# comment',
    combined(2, { path: '/\\x4' }),
    `${combined(2, { path: `/${'a'.repeat(2 ** 20)}` })}`,
    combined(3),
    combined(4).slice(0, 50),
  ].join('\n');
  const read = await replayed({ files: [folder.write('log', text)], format: 'nginx' });
  assertAccounted(read);
  assert.equal(read.summary.lineCount, 10);
  assert.equal(read.requests.length, 2);
  const byMeaning = new Map(read.summary.refused.map((each) => [each.meaning, each]));
  assert.deepEqual(byMeaning.get('not laid out as the format says')!.firstAt, [{ source: 0, line: 2 }]);
  assert.equal(byMeaning.get('not laid out as the format says')!.example, 'hello');
  assert.equal(byMeaning.get('binary')!.firstAt[0]!.line, 4);
  assert.match(byMeaning.get('binary')!.example, /··\[31m$/);
  assert.equal(byMeaning.get('a broken escape in the path')!.firstAt[0]!.line, 7);
  assert.equal(byMeaning.get('longer than 1 MiB')!.firstAt[0]!.line, 8);
  assert.equal(byMeaning.get('cut short at the end of the file')!.firstAt[0]!.line, 10);
  assert.deepEqual(read.summary.unsafeMethods, [{ method: 'POST', count: 1 }]);
});

const dryRun = ['bin/loopscope', 'replay', '--dry-run', '--json', '--quiet'];

test('standard input: a pipe, a packed pipe, a pipe that is cut, a file, and none', async () => {
  using folder = logFolder();
  const text = textOf(lines(3000));
  const run = (input: string | Buffer) => {
    const out = execFileSync(dryRun[0]!, [...dryRun.slice(1), '-'], {
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return JSON.parse(out.toString());
  };
  assert.equal(run(text).requests, 3000);
  assert.deepEqual(run(gzipSync(text)).sources[0], { path: '-', packing: 'gzip', lines: 3000, damage: null });
  assert.match(run(cut(gzipSync(text), 0.5)).sources[0].damage, /ends in the middle/);
  const path = folder.write('log', text);
  const shell = execFileSync('sh', ['-c', `${dryRun.join(' ')} - < ${path}`]);
  assert.equal(JSON.parse(shell.toString()).requests, 3000);
});

test('a pipe that goes on is left on SIGINT, with what was read until then', async () => {
  const child = spawn(dryRun[0]!, [...dryRun.slice(1), '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  // More than a pipe holds: when all is written, it is being read.
  child.stdin.write(textOf(lines(3000)), () => child.kill('SIGINT'));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 130);
  assert.ok(JSON.parse(said).lines > 0);
});
