// Goal: without privileges, and without io_uring, there is still a run, an observation and an honest verdict.
// Method: the same commands as somebody else, and with io_uring refused; the report must say what it could not see.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { nginxPath, startNginx } from '../fixtures/nginx.ts';
import { startNodeServer } from '../fixtures/node-server.ts';
import { needs } from '../helpers/needs.ts';
import { upToThreeTimes } from '../helpers/tries.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
const LOAD = ['--rate', '500', '--duration', '3s', '--connections', '20', '--json'];

test('somebody without privileges, watching a server of root', async (t) => {
  if (!needs(t, isRoot && nginxPath !== null, 'root and nginx')) return;
  await upToThreeTimes(t, async () => {
    await using nginx = await startNginx();
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o777);
    const args = ['doctor', nginx.url, '--pid', String(nginx.masterPid), ...LOAD];
    const result = await runLoopscope(args, { prefix: NOBODY, cwd: folder.path });
    const report = reportOf(result);
    assert.equal(report.environment.effective_uid, 65534);
    assert.equal(report.observation?.tier, 'proc');
    assert.ok(report.load!.counts.ok > 1000, JSON.stringify(report.load!.counts));
    assert.ok(report.self.could_not_see.length > 0, 'it says what it could not see');
    assert.match(report.self.could_not_see.join('\n'), /cycle|stall/);
    assert.doesNotMatch(report.verdict.culprit, /^(loop|io|block)\./, JSON.stringify(report.verdict));
  });
});

test('somebody without privileges, watching a server of their own with a heavy handler', async (t) => {
  if (!needs(t, isRoot, 'root, to become somebody else')) return;
  await upToThreeTimes(t, async () => {
    await using server = await startNodeServer('burn', { prefix: NOBODY });
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o777);
    const args = ['doctor', server.url, '--pid', String(server.pid), ...LOAD];
    const report = reportOf(await runLoopscope(args, { prefix: NOBODY, cwd: folder.path }));
    assert.equal(report.observation?.tier, 'proc');
    // The handler cannot be seen turn by turn; a verdict may be weaker, but must not blame another.
    assert.match(report.verdict.culprit, /^(loop\.heavy-handler|loop\.saturated|unexplained|healthy)$/);
    assert.notEqual(report.verdict.confidence, 'high', 'counters alone prove nothing of one turn');
  });
});

test('io_uring refused: the epoll back end does the same work, and the report says so', async () => {
  await using server = await startNodeServer('none');
  const args = ['load', server.url, ...LOAD];
  const report = reportOf(await runLoopscope(args, { env: { LOOPSCOPE_NO_IO_URING: '1' } }));
  assert.equal(report.load!.plan.backend, 'epoll');
  assert.ok(report.load!.counts.ok > 1000);
  const capability = report.capabilities.find(({ name }) => name === 'io_uring');
  assert.equal(capability?.available, false);
  assert.notEqual(capability?.reason, '');
});

test('root keeps compiled code, which is run as it lies there, in no folder of another user', async (t) => {
  if (!needs(t, isRoot, 'root')) return;
  for (const owner of [0, 65534]) {
    using folder = temporaryFolder();
    chownSync(folder.path, owner, owner);
    for (const place of ['HOME', 'XDG_CACHE_HOME']) {
      const env = { HOME: folder.path, XDG_CACHE_HOME: '', NODE_COMPILE_CACHE: '', [place]: folder.path };
      await runLoopscope(['load', '--help'], { env });
    }
    const kept = readdirSync(folder.path, { recursive: true, encoding: 'utf8' });
    assert.equal(kept.length > 0, owner === 0, kept.join(' '));
  }
});
