/**
 * What one event costs our own loop: connections echo one small message for ever, client and server in one loop in one
 * thread, so that nothing is waited for. Prints events/s, CPU per message and heap growth per million events.
 *
 *   node --expose-gc --disable-warning=ExperimentalWarning bench/loop-echo.ts [rounds] [connections] [seconds]
 *
 * Variants are run by turns, and the best round of each is shown beside the median: on a shared machine the best is
 * the one least disturbed.
 */
import type { Address } from '../src/base/address.ts';
import {
  IORING_SETUP_COOP_TASKRUN,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_TASKRUN_FLAG,
} from '../src/kernel/abi/io-uring.ts';
import { createMonotonicClock } from '../src/kernel/clock.ts';
import { threadUsage } from '../src/kernel/process.ts';
import { createEpollLoop } from '../src/loop/epoll-loop.ts';
import type { EventLoop, LoopOptions } from '../src/loop/event-loop.ts';
import { createRingLoop } from '../src/loop/ring-loop.ts';

const [rounds = 3, connectionCount = 100, seconds = 1] = process.argv.slice(2).map(Number);
const MESSAGE_BYTES = 100;
const WARM_UP_NS = 200e6;

const deferred = IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
const variants: [string, (options: LoopOptions) => EventLoop][] = [
  ['ring', createRingLoop],
  ['ring, DEFER_TASKRUN', (options) => createRingLoop(options, { setupFlags: deferred })],
  ['ring, no TASKRUN_FLAG', (options) => createRingLoop(options, { setupFlags: IORING_SETUP_COOP_TASKRUN })],
  ['ring, 1 KiB buffers', (options) => createRingLoop(options, { bufferBytes: 1024 })],
  ['ring, 64 KiB buffers', (options) => createRingLoop(options, { bufferBytes: 65_536 })],
  ['ring, few buffers', (options) => createRingLoop(options, { bufferCount: 64 })],
  ['epoll', createEpollLoop],
];

type Result = { messagesPerSec: number; cpuNs: number; systemCalls: number; heapBytesPerMillion: number };

function measure(create: (options: LoopOptions) => EventLoop, address: Address): Result {
  const { nowNs } = createMonotonicClock();
  const isServer = new Uint8Array(connectionCount * 2);
  let messageCount = 0;
  using loop = create({
    connectionLimit: connectionCount * 2,
    nowNs,
    handlers: {
      onConnect: (conn) => {
        loop.send(conn, memory, 0, MESSAGE_BYTES);
      },
      onAccept: (conn) => {
        isServer[conn] = 1;
      },
      onData: (conn, bytes, start, end) => {
        if (isServer[conn] === 1) {
          loop.sendCopy(conn, bytes, start, end);
        } else {
          messageCount++;
          loop.send(conn, memory, 0, MESSAGE_BYTES);
        }
      },
      onClose: () => {},
      onTurn: () => 1e9,
    },
  });
  const memory = loop.allocateSendMemory(MESSAGE_BYTES);
  const listener = loop.listen(address, { backlog: connectionCount });
  for (let i = 0; i < connectionCount; i++) loop.connect(loop.listenerAddress(listener));
  const runFor = (ns: number) => {
    const untilNs = nowNs() + ns;
    while (nowNs() < untilNs) loop.turn();
  };
  runFor(WARM_UP_NS);
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const usageBefore = threadUsage();
  const before = {
    messageCount,
    ns: nowNs(),
    events: loop.stats.eventCount,
    calls: loop.stats.systemCallCount,
  };
  runFor(seconds * 1e9);
  const elapsedNs = nowNs() - before.ns;
  const usage = threadUsage();
  globalThis.gc?.();
  const heapBytes = process.memoryUsage().heapUsed - heapBefore;
  const messages = messageCount - before.messageCount;
  return {
    messagesPerSec: (messages / elapsedNs) * 1e9,
    cpuNs: (usage.userNs + usage.systemNs - usageBefore.userNs - usageBefore.systemNs) / messages,
    systemCalls: (loop.stats.systemCallCount - before.calls) / messages,
    heapBytesPerMillion: (heapBytes / (loop.stats.eventCount - before.events)) * 1e6,
  };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

const addresses: [string, Address][] = [
  ['tcp', { kind: 'tcp', host: '127.0.0.1', port: 0 }],
  ['unix', { kind: 'unix', path: `@loopscope-bench-${process.pid}` }],
];
console.log(`${connectionCount} connections, ${MESSAGE_BYTES} bytes, ${rounds} rounds of ${seconds} s`);
if (!globalThis.gc) console.log('without --expose-gc: heap growth includes garbage not yet collected');
for (const [transport, address] of addresses) {
  const results = variants.map(() => [] as Result[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, [, create]] of variants.entries()) results[i]!.push(measure(create, address));
  }
  for (const [i, [name]] of variants.entries()) {
    const all = results[i]!;
    const rate = median(all.map((r) => r.messagesPerSec));
    const cpuBest = Math.min(...all.map((r) => r.cpuNs));
    const cpu = median(all.map((r) => r.cpuNs));
    const calls = median(all.map((r) => r.systemCalls));
    const heap = median(all.map((r) => r.heapBytesPerMillion));
    console.log(
      `${transport.padEnd(5)} ${name.padEnd(22)} ${rate.toFixed(0).padStart(8)} echoes/s` +
        `  CPU ${cpuBest.toFixed(0)} ns best, ${cpu.toFixed(0)} median` +
        `  ${calls.toFixed(3)} system calls each  heap ${(heap / 1024).toFixed(1)} KiB per million events`,
    );
  }
}
