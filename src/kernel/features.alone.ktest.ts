// Goal: a machine without io_uring is told so, with the reason. Method: the real refusals, in child processes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { needs } from '../../test/helpers/needs.ts';
import { NO_IO_URING_VARIABLE, probeIoUring, probeLoopCapabilities } from './features.ts';

const DISABLED = '/proc/sys/kernel/io_uring_disabled';

/** What probeLoopCapabilities says in a fresh process. */
function probeInChild(environment: Record<string, string> = {}, uid?: number) {
  const code = `
    import { probeLoopCapabilities } from ${JSON.stringify(new URL('./features.ts', import.meta.url).href)};
    console.log(JSON.stringify(probeLoopCapabilities()));
  `;
  const result = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code],
    { env: { ...process.env, ...environment }, uid, encoding: 'utf8' },
  );
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout)[0] as ReturnType<typeof probeLoopCapabilities>[number];
}

test('the probe answers the same twice, and says nothing is hidden when all is there', () => {
  assert.deepEqual(probeIoUring(), probeIoUring());
  const [capability] = probeLoopCapabilities();
  assert.equal(capability!.name, 'io_uring');
  assert.equal(capability!.available, capability!.reason === '' && capability!.hides === '');
});

test('the environment variable refuses', () => {
  const { available, reason, hides } = probeInChild({ [NO_IO_URING_VARIABLE]: '1' });
  assert.equal(available, false);
  assert.match(reason, /LOOPSCOPE_NO_IO_URING=1/);
  assert.match(hides, /epoll/);
});

test('kernel.io_uring_disabled is named', (t) => {
  let before = '';
  try {
    before = readFileSync(DISABLED, 'utf8').trim();
    writeFileSync(DISABLED, before);
  } catch {
    needs(t, false, 'cannot write kernel.io_uring_disabled');
    return;
  }
  if (!needs(t, before === '0', `kernel.io_uring_disabled is ${before}`)) return;
  try {
    writeFileSync(DISABLED, '2');
    assert.match(probeInChild().reason, /EPERM.*kernel\.io_uring_disabled = 2/);
  } finally {
    writeFileSync(DISABLED, before);
  }
});
