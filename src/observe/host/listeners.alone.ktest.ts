// Goal: who holds a listener, how it is watched, and who waits on it, as the processes really are.
// Method: our own servers with each accept strategy; a queue made by hand for what is counted.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import type { ListeningSocket, SockDiag } from '../../kernel/sock-diag.ts';
import { createListenerWatch } from './listeners.ts';

const bin = join(import.meta.dirname, '../../../bin', 'loopscope');

async function serve(t: TestContext, accept: string): Promise<{ port: number; workers: number[] }> {
  const args = ['serve', 'http', '--listen', 'http://127.0.0.1:0/', '--backend', 'epoll', '--workers', '3'];
  const child = spawn(bin, [...args, '--accept', accept, '--json', '--die-with-parent'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(async () => {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  });
  const line = await new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).once('line', resolve),
  );
  const { targets, workers } = JSON.parse(line) as { targets: string[]; workers: number[] };
  return { port: Number(new URL(targets[0]!).port), workers };
}

for (const [accept, listeners, watch] of [
  ['shared', 1, 'shared'],
  ['exclusive', 1, 'exclusive'],
  ['reuseport', 3, null],
] as const) {
  test(`${accept}: ${listeners} listening socket(s), and how workers watch`, async (t) => {
    const { port, workers } = await serve(t, accept);
    using seen = createListenerWatch({ nowNs: () => 0, loops: () => workers.map((pid) => ({ pid })) });
    seen.poll();
    const found = seen.finish()!.filter(({ address }) => address === `127.0.0.1:${port}`);
    assert.equal(found.length, listeners);
    const watching = found.flatMap(({ holders }) => holders.filter((holder) => holder.watch !== 'none'));
    assert.deepEqual(watching.map(({ pid }) => pid).sort(), [...workers].sort());
    if (watch)
      assert.ok(
        watching.every((holder) => holder.watch === watch),
        JSON.stringify(watching),
      );
  });
}

test('queues are counted look by look: the most, the full ones, and what was dropped meanwhile', async (t) => {
  const { workers, port } = await serve(t, 'shared');
  using real = createListenerWatch({ nowNs: () => 0, loops: () => workers.map((pid) => ({ pid })) });
  real.poll();
  const { inode } = real.finish()!.find(({ address }) => address === `127.0.0.1:${port}`)!;
  const queue = [0, 3, 9, 9, 0];
  let look = 0;
  const diag: SockDiag = {
    timeWaitTo: () => null,
    listeners: () => [socketWith(inode, queue[Math.min(look, queue.length - 1)]!, 100 + look * 5)],
    [Symbol.dispose]() {},
  };
  let nowNs = 0;
  using watch = createListenerWatch({
    nowNs: () => nowNs,
    loops: () => workers.map((pid) => ({ pid })),
    diag,
  });
  for (look = 0; look < queue.length; look++, nowNs += 100e6) watch.poll();
  const [record] = watch.finish()!;
  assert.equal(record!.mostWaiting, 9);
  assert.equal(record!.fullCount, 2);
  assert.deepEqual(
    record!.samples.map(({ waiting }) => waiting),
    [3, 9, 9],
  );
  assert.equal(record!.dropped, 25);
});

function socketWith(inode: number, waiting: number, dropped: number): ListeningSocket {
  return { transport: 'tcp', address: '127.0.0.1:1', inode, waiting, backlog: 8, dropped };
}
