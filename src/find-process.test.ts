// Goal: a pid, a name or a port leads to the process meant, or to a clear refusal. Method: this very process.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { assertLinear } from '../test/helpers/growth.ts';
import { LoopscopeError } from './base/errors.ts';
import { cgroupPaths, findProcesses, findProcessesAgain, listeningInodes, wordsOf } from './find-process.ts';

const refuses = (text: string, code: string) =>
  assert.throws(
    () => findProcesses(text),
    (error) => error instanceof LoopscopeError && error.code === code && error.message !== '',
    text,
  );

test('a pid that exists is taken, one that does not is refused', () => {
  assert.deepEqual(findProcesses(String(process.pid)), [process.pid]);
  refuses('4194305', 'NO_SUCH_PROCESS'); // above the largest possible pid
});

test('a port leads to the process that listens on it', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  assert.deepEqual(findProcesses(`:${address.port}`), [process.pid]);
  await new Promise((resolve) => server.close(resolve));
  refuses(`:${address.port}`, 'NO_SUCH_PROCESS');
});

test('names that no process has, and words that are no name, are refused', () => {
  refuses('no-such-program-here', 'NO_SUCH_PROCESS');
  refuses('', 'USAGE');
  refuses('--pid', 'USAGE');
});

test('only listening sockets of that very port count', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1',
    '   1: 0100007F:1F90 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 222 1',
    '   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1',
  ].join('\n');
  assert.deepEqual(listeningInodes(table, 8080), ['111']);
});

test('by control group, whole or its last parts', () => {
  assert.deepEqual(
    cgroupPaths('12:cpu,cpuacct:/a\n0::/system.slice/x.service\n\nnonsense\n1:name=systemd:/b c'),
    ['/a', '/system.slice/x.service', '/b c'],
  );
  assert.deepEqual(cgroupPaths('0::/with\ra return\u2028'), ['/with\ra return\u2028']);
  assert.throws(
    () => findProcesses('cgroup:/no/such/group-anywhere'),
    (error) => error instanceof LoopscopeError && error.code === 'NO_SUCH_PROCESS' && error.hint !== '',
  );
});

test('a command line of empty words and one more behind them is read once', () => {
  const emptyWords = (count: number) => `app${'\0'.repeat(count)}end`;
  assert.equal(wordsOf(`${emptyWords(2)}\0\0`), 'app  end');
  assertLinear((size) => wordsOf(emptyWords(size)));
});

test('by command line: not this process, nor those that started it', () => {
  const mark = `mark-${process.pid}`;
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 30000)', mark], { stdio: 'ignore' });
  try {
    assert.deepEqual(findProcesses(`cmd:${mark}`), [child.pid]);
    assert.deepEqual(findProcessesAgain('cmd:surely nobody was started as this'), []);
    for (const wrong of ['cmd:', 'cgroup:', '']) {
      assert.throws(
        () => findProcesses(wrong),
        (error) => error instanceof LoopscopeError && error.code === 'USAGE',
      );
    }
  } finally {
    child.kill('SIGKILL');
  }
});
