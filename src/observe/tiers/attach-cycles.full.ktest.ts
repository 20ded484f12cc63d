// Goal: who attaches and detaches over and over, to a server of 64 workers and 500 threads, leaves nothing behind: no
// descriptor, mapping, BPF object or memory. Method: as many times as ATTACH_CYCLES says, a few by default.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bpfObjectsOf } from '../../../test/fixtures/leftovers.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { createClock } from '../../base/clock.ts';
import { startObservation } from '../observe.ts';
import { traceSched } from '../trace/sched/trace-sched.ts';
import { traceSyscalls } from '../trace/syscalls/trace-syscalls.ts';

const CYCLES = Number(process.env.ATTACH_CYCLES ?? 3);
/** Before it is compared: code is compiled, pools are filled. */
const FIRST_CYCLES = 3;
const WORKERS = 64;
const THREADS_EACH = 7;
/** What the heap may differ by from one look to the next, whatever the number of cycles. */
const SLACK_MIB = 60;

const SERVER = `
import os, select, signal, sys, threading, time
def work():
    for _ in range(${THREADS_EACH}): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    poll = select.epoll()
    while True: poll.poll(0.05)
workers = []
for _ in range(${WORKERS}):
    pid = os.fork()
    if pid == 0: work()
    workers.append(pid)
def end(*_):
    for pid in workers: os.kill(pid, signal.SIGKILL)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
time.sleep(1)
print("ready", flush=True)
while os.getppid() == int(sys.argv[1]): time.sleep(0.5)
end()
`;

async function startServer(t: TestContext): Promise<ChildProcess | null> {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return null;
  const child = spawn('/usr/bin/python3', ['-c', SERVER, String(process.pid)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const started = await Promise.race([once(child.stdout!, 'data'), once(child, 'error')]);
  return needs(t, String(started).startsWith('ready'), 'python3') ? child : null;
}

const left = () => ({
  fds: readdirSync('/proc/self/fd').length,
  mappings: readFileSync('/proc/self/maps', 'latin1')
    .split('\n')
    .filter((line) => /bpf|perf_event/.test(line)).length,
  mib: Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024,
});

async function cycle(t: TestContext, what: string, once: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < FIRST_CYCLES; i++) await once(i);
  global.gc?.();
  const before = left();
  for (let i = 0; i < CYCLES; i++) await once(i);
  global.gc?.();
  const after = left();
  const figures = `${what}, ${CYCLES} times: ${JSON.stringify({ before, after })}`;
  t.diagnostic(figures);
  assert.ok(after.fds <= before.fds && after.mappings <= before.mappings, figures);
  assert.deepEqual(bpfObjectsOf(process.pid), []);
  assert.ok(after.mib - before.mib < SLACK_MIB, figures);
}

test('the observer', async (t) => {
  const server = await startServer(t);
  if (server === null) return;
  const clock = createClock();
  try {
    await cycle(t, 'observer', async (i) => {
      using handle = startObservation({
        pids: [server.pid!],
        clock,
        selfPids: [process.pid],
        armed: i % 4 === 0 ? 'always' : 'auto',
      });
      await sleep(i % 8 === 0 ? 60 : 0);
      const { loops } = handle.stop();
      // One that works at the moment of the only look is no loop yet.
      assert.ok(loops.length > WORKERS / 2, `${loops.length} loops`);
    });
  } finally {
    server.kill('SIGTERM');
  }
});

test('a trace of system calls, of the scheduler', async (t) => {
  const server = await startServer(t);
  if (server === null) return;
  try {
    await cycle(t, 'trace', async (i) => {
      const trace = i % 2 === 0 ? traceSyscalls : traceSched;
      const { threads } = await trace({
        subject: 'test',
        pids: [server.pid!],
        follow: true,
        durationNs: 1e6,
      });
      assert.ok(threads.length >= 0);
    });
  } finally {
    server.kill('SIGTERM');
  }
});
