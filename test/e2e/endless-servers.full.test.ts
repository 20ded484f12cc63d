// Goal: a server that answers without end is told by what it did, in bounded memory and time. Method: one that floods in
// the way that the path names, three loads beside one another, read as text; the most memory each process ever had.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type LoopscopeResult, runLoopscope } from '../fixtures/loopscope.ts';
import { freePort } from '../fixtures/ports.ts';
import { type Started, start, statusField, until } from '../fixtures/process.ts';
import { assertTold } from '../fixtures/readable.ts';

const script = fileURLToPath(new URL('../fixtures/flooding-server.mjs', import.meta.url));
const LOAD = ['--rate', '20', '-c', '4', '-d', '2s', '--timeout', '500ms'];
/** A load without a flood takes 105 MB. */
const MEMORY_MB = 200;

let server: Started;
let port: number;

before(async () => {
  port = await freePort();
  server = start(process.execPath, [script, String(port)]);
  await until('the server to listen', () => server.output().includes('listening'));
});
after(() => server.stop(0));

/** A run's result, and the most memory that its process had, in MB. */
async function drive(path: string): Promise<LoopscopeResult & { memoryMb: number }> {
  let memoryMb = 0;
  const result = await runLoopscope(['load', `http://127.0.0.1:${port}${path}`, ...LOAD], {
    started: ({ pid, exited }) => {
      const look = async () => {
        for (let ended = false; !ended; ) {
          memoryMb = Math.max(memoryMb, Number.parseInt(statusField(pid, 'VmHWM') ?? '0', 10) / 1024);
          ended = await Promise.race([exited.then(() => true), delay(50, false)]);
        }
      };
      look();
    },
  });
  return { ...result, memoryMb };
}

/** What the first finding says, and what else is said. */
const FLOODS: [path: string, finding: RegExp, also: RegExp][] = [
  ['/head', /mostly so: headers too long/, /\d+ headers too long/],
  ['/extension', /mostly so: malformed chunk/, /\d+ malformed chunk/],
  ['/chunks', /^server\.endless: not one reply came to its end: \d+ requests? timed out/m, /no whole reply/],
  ['/interim', /^server\.endless: not one reply came to its end: \d+ requests? timed out/m, /no whole reply/],
  ['/drip', /^server\.endless: not one reply came to its end: \d+ requests? timed out/m, /no whole reply/],
];

function assertBounded(result: LoopscopeResult & { memoryMb: number }): void {
  assertTold(result);
  assert.ok(result.memoryMb > 0 && result.memoryMb < MEMORY_MB, `${result.memoryMb} MB\n${result.stdout}`);
}

/** Where a flood takes the client's CPU, the run may be VOID, and then says that. */
function assertSaid({ stdout, code }: LoopscopeResult, finding: RegExp, also: RegExp): void {
  if (code === 3) assert.match(stdout, /^VOID: .*(client|sends were)/m);
  else {
    assert.equal(code, 1, stdout);
    assert.match(stdout, finding);
    assert.match(stdout, also);
  }
  assert.match(stdout, /^40 requests, 100 % failed/, stdout);
}

describe('floods', { concurrency: 3 }, () => {
  for (const [path, finding, also] of FLOODS) {
    test(path, async () => {
      const result = await drive(path);
      assertBounded(result);
      assertSaid(result, finding, also);
    });
  }
});

test('replies that nobody asked for', async () => {
  const result = await drive('/unasked');
  assertBounded(result);
  assert.match(
    result.stdout,
    /WARN connections: .*the server sends what no request asked for: .HTTP\/1\.1 200 OK/,
  );
  assert.match(result.stdout, /\d+ given up because the server sent what no request had asked for/);
});
