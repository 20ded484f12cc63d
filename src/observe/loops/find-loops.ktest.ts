// Goal: of real servers exactly the loops are found: workers and not the master, Node's main thread and not its helpers,
// a loop that never waits, and without privileges at least the main threads. Method: nginx, redis, node, Python, a shell.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { nginxPath, startNginx } from '../../../test/fixtures/nginx.ts';
import { findProgram, type Started, start, statusField, until } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { findLoops } from './find-loops.ts';

const python = findProgram('python3');

const NODE_SERVER = `
require('net').createServer().listen(0, '127.0.0.1', () => console.log('up'));
if (process.argv[1] === 'worker') new (require('worker_threads').Worker)(
  "require('net').createServer().listen(0, '127.0.0.1')", { eval: true });
`;

async function startNode(...args: string[]): Promise<Started> {
  const node = start(process.execPath, ['-e', NODE_SERVER, ...args]);
  await until('node to listen', () => node.output().includes('up'));
  return node;
}

async function startPython(code: string): Promise<Started> {
  const started = start(python!, ['-c', `import select, socket, os, time, threading\n${code}`]);
  await until('python to be up', () => started.output().includes('up'));
  return started;
}

test('nginx: the workers, not the master', async (t) => {
  if (!needs(t, nginxPath !== null, 'nginx')) return;
  await using nginx = await startNginx({ workerCount: 3 });
  const workers = [...nginx.workerPids].sort((a, b) => a - b);
  const loops = await until('three waiting workers', () => {
    const found = findLoops([nginx.masterPid]);
    return found.length === 3 && found.every((loop) => loop.certain) && found;
  });
  assert.deepEqual(
    loops.map((loop) => [loop.pid, loop.tid, loop.waitCall]),
    workers.map((pid) => [pid, pid, 'epoll_wait']),
  );
  const [first] = loops;
  assert.equal(first!.comm, 'nginx');
  assert.match(first!.commandLine, /worker process/);
  assert.equal(first!.schedPolicy, 'SCHED_OTHER');
  assert.equal(first!.tracerPid, 0);
  assert.equal(first!.cpusAllowed, statusField(first!.pid, 'Cpus_allowed_list'));
  // The same worker named twice, once by its master, is one loop.
  assert.equal(findLoops([nginx.masterPid, workers[0]!]).length, 3);
  // Known threads are not looked at again, and our own processes never.
  assert.deepEqual(
    findLoops([nginx.masterPid], { knownTids: new Set(workers.slice(1)) }).map((loop) => loop.pid),
    [workers[0]],
  );
  assert.deepEqual(findLoops([nginx.masterPid], { selfPids: [nginx.masterPid] }), []);
});

test('node: the main thread, and a worker thread only when it serves', async () => {
  await using plain = await startNode();
  const single = await until('a waiting node', () => findLoops([plain.pid]).find((loop) => loop.certain));
  assert.equal(single.tid, plain.pid);
  assert.equal(findLoops([plain.pid]).length, 1);
  await using threaded = await startNode('worker');
  const loops = await until('two loops', () => {
    const found = findLoops([threaded.pid]);
    return found.length === 2 && found;
  });
  assert.deepEqual(new Set(loops.map((loop) => loop.waitCall)), new Set(['epoll_pwait']));
});

test('a loop that never has to wait is an uncertain candidate, and one look later a certain one', async (t) => {
  if (!needs(t, python !== null, 'python3')) return;
  await using busy = await startPython(`
e = select.epoll()
print('up', flush=True)
while True: e.poll(0)
`);
  const [spinning] = findLoops([busy.pid]);
  assert.equal(spinning?.tid, busy.pid);
  if (!spinning.certain) assert.deepEqual([spinning.waitCall, spinning.waitCallNumber], [null, null]);
  await using mostly = await startPython(`
e = select.epoll()
print('up', flush=True)
while True:
  end = time.monotonic() + 0.004
  while time.monotonic() < end: pass
  e.poll(0.004)
`);
  // Half of its time it is in the wait, so that five looks seldom miss it.
  await until('a certain loop', () => findLoops([mostly.pid])[0]?.certain);
});

test('poll is the wait of a loop without epoll, and a blocking call of one with it', async (t) => {
  if (!needs(t, python !== null, 'python3')) return;
  await using poller = await startPython("p = select.poll()\nprint('up', flush=True)\np.poll(100000)");
  const polling = await until('a poll', () => findLoops([poller.pid]).find((loop) => loop.certain));
  assert.match(polling.waitCall!, /^p?poll$/);
  await using mixed = await startPython(
    "e = select.epoll()\np = select.poll()\nprint('up', flush=True)\np.poll(100000)",
  );
  const [blocked] = findLoops([mixed.pid]);
  assert.deepEqual([blocked?.tid, blocked?.certain, blocked?.waitCall], [mixed.pid, false, null]);
});

test('a loop blocked in its work, a sleeping program, a joined main thread', async (t) => {
  if (!needs(t, python !== null, 'python3')) return;
  await using asleep = await startPython("e = select.epoll()\nprint('up', flush=True)\ntime.sleep(100)");
  const [blocked] = findLoops([asleep.pid]);
  assert.deepEqual([blocked?.tid, blocked?.certain], [asleep.pid, false]);
  await using other = await startPython("print('up', flush=True)\ntime.sleep(100)");
  assert.deepEqual(findLoops([other.pid]), []);
  await using joined = await startPython(`
e = select.epoll()
t = threading.Thread(target=lambda: e.poll(100))
t.start()
print('up', flush=True)
t.join()
`);
  const loops = await until('a waiting thread', () => {
    const found = findLoops([joined.pid]);
    return found.some((loop) => loop.certain) && found;
  });
  assert.deepEqual(
    loops.map((loop) => [loop.tid === joined.pid, loop.waitCall]),
    [[false, 'epoll_wait']],
  );
});

test('who is gone is not found, nor is a kernel thread', () => {
  assert.deepEqual(findLoops([4194305]), []);
  assert.deepEqual(findLoops([2]), []);
});

test('without privileges: the main threads of somebody else’s processes', async (t) => {
  if (!needs(t, process.getuid?.() === 0, 'root, to become somebody else')) return;
  if (!needs(t, nginxPath !== null && findProgram('setpriv') !== null, 'nginx and setpriv')) return;
  await using nginx = await startNginx({ workerCount: 2 });
  const module = new URL('./find-loops.ts', import.meta.url).href;
  const script = `
    const { findLoops } = await import(${JSON.stringify(module)});
    console.log(JSON.stringify(findLoops([${nginx.masterPid}])));`;
  const output = execFileSync(
    'setpriv',
    [
      ...['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath],
      ...['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    ],
    { encoding: 'utf8' },
  );
  const loops = JSON.parse(output) as ReturnType<typeof findLoops>;
  const tids = loops.map((loop) => loop.tid);
  for (const pid of nginx.workerPids) assert.ok(tids.includes(pid), `${pid} in ${tids}`);
  for (const loop of loops) {
    assert.deepEqual([loop.certain, loop.waitCall, loop.timerSlackNs], [false, null, null]);
    assert.equal(loop.comm, 'nginx');
    assert.notEqual(loop.cpusAllowed, '');
  }
});
