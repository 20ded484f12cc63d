/** Runs one case: server, upheaval, load, and what must hold afterwards. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseTarget } from '../../src/base/address.ts';
import { createClock } from '../../src/base/clock.ts';
import { type LoadHandle, type LoadOptions, startLoad } from '../../src/drive/drive.ts';
import type { Stage } from '../../src/plan/arrivals/stages.ts';
import { encodeRequests, type RequestKind } from '../../src/plan/requests/requests.ts';
import type { LoadRecord } from '../../src/record/load.ts';
import { CODECS } from '../../src/wire/registry.ts';
import type { FaultCase } from './cases.ts';
import { assertBooksBalance, assertServerAgrees } from './check-record.ts';
import type { Where } from './hostile-server.ts';
import { bodyOf } from './replies.ts';
import { ServerProcess } from './server-process.ts';

const TINY_RING = { sqEntries: 4, cqEntries: 8, bufferCount: 2, bufferBytes: 256 };
/** What a load thread opens besides its connections: its own event loop, ring or epoll, and files it reads. */
const THREAD_DESCRIPTORS = 8;

/** The record; null when no connection could be opened, which a hostile server may bring about. Throws when a check fails. */
export async function runCase(each: FaultCase, shared: ServerProcess): Promise<LoadRecord | null> {
  const isAlone = each.upheaval !== null && each.upheaval.kind !== 'refuse';
  const servers = [isAlone ? new ServerProcess() : shared];
  let isListening = false;
  try {
    const where = await servers[0]!.open(each.server);
    isListening = true;
    const record = await underTrouble(each, servers, where);
    if (record === null) return null;
    assertBooksBalance(record);
    isListening = false;
    const counts = await servers.at(-1)!.close(each.seed);
    // A killed server has taken its counts with it.
    if (each.upheaval?.kind !== 'kill') assertServerAgrees(each, record, counts);
    return record;
  } finally {
    if (isAlone) for (const server of servers) await server[Symbol.asyncDispose]();
    else if (isListening) await shared.close(each.seed);
  }
}

async function underTrouble(
  each: FaultCase,
  servers: ServerProcess[],
  where: Where,
): Promise<LoadRecord | null> {
  const lift = each.openFileRoom === null ? null : limitOpenFiles(THREAD_DESCRIPTORS + each.openFileRoom);
  const load = startLoad(loadOptions(each, where));
  const trouble = each.upheaval && causeTrouble(each, load, servers, where);
  try {
    return await load.done;
  } catch (error) {
    if ((error as { code?: string }).code === 'TARGET_UNREACHABLE') return null;
    throw error;
  } finally {
    lift?.();
    await trouble;
  }
}

/** Counted from the first request on; nothing happens to a load that ends before. */
async function causeTrouble(
  each: FaultCase,
  load: LoadHandle,
  servers: ServerProcess[],
  where: Where,
): Promise<void> {
  const { kind, atMs, forMs } = each.upheaval!;
  const server = servers[0]!;
  let isOver = false;
  load.done.catch(() => {}).finally(() => (isOver = true));
  while (!isOver && load.progress().planned === 0) await sleep(2);
  await sleep(atMs);
  if (isOver) return;
  if (kind === 'refuse') {
    server.refuse(each.seed, forMs);
  } else if (kind === 'freeze') {
    server.signal('SIGSTOP');
    await sleep(forMs);
    server.signal('SIGCONT');
  } else {
    await server[Symbol.asyncDispose]();
    await sleep(forMs);
    const next = new ServerProcess();
    servers.push(next);
    await next.open(each.server, where);
  }
}

/** Sets this process's soft limit so that no more than so many can be opened. Returns what lifts it again. */
function limitOpenFiles(room: number): () => void {
  const open = new Set(readdirSync('/proc/self/fd').map(Number));
  let limit = 0;
  for (let free = 0; free < room; limit++) if (!open.has(limit)) free++;
  const set = (text: string) =>
    spawnSync('prlimit', ['--pid', String(process.pid), `--nofile=${text}`], { stdio: 'ignore' });
  const [, soft] = /Max open files +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))!;
  set(`${limit}:`);
  return () => set(`${soft}:`);
}

function loadOptions(each: FaultCase, where: Where): LoadOptions {
  const { server } = each;
  const isHttp = server.protocol === 'http';
  const unix = isHttp ? `unix+http:${where}` : `unix:${where}`;
  const tcp = isHttp ? `http://127.0.0.1:${where}/` : `tcp://127.0.0.1:${where}`;
  const isClosed = each.arrival === 'closed';
  return {
    target: parseTarget(typeof where === 'string' ? unix : tcp),
    arrival: each.arrival,
    ratePerSec: isClosed || each.isStaged ? null : each.ratePerSec,
    stages: each.isStaged ? stagesOf(each) : null,
    connectionCount: each.connectionCount,
    threadCount: each.threadCount,
    durationNs: each.durationMs * 1e6,
    warmupNs: each.durationMs * 0.2e6,
    timeoutNs: server.timeoutMs * 1e6,
    seed: each.seed,
    pipelineDepth: each.pipelineDepth,
    requestsPerConnection: each.requestsPerConnection,
    connectionsPerSec: each.connectionsPerSec,
    thinkTime: each.thinkMs === null ? null : { meanNs: each.thinkMs * 1e6, jitterNs: 1e6 },
    queueLimit: 200,
    requests: encodeRequests(
      CODECS.find(({ name }) => name === (isHttp ? 'http1' : 'frame'))!,
      kindsOf(each),
    ),
    backend: each.backend,
    clock: createClock(),
    ...(each.hasTinyRing && { ringSizes: TINY_RING }),
  };
}

function stagesOf({ durationMs, ratePerSec }: FaultCase): Stage[] {
  const third = (durationMs * 1e6) / 3;
  return [
    { durationNs: third, fromRatePerSec: 1, toRatePerSec: ratePerSec },
    { durationNs: third, fromRatePerSec: ratePerSec, toRatePerSec: ratePerSec },
    { durationNs: third, fromRatePerSec: ratePerSec / 2, toRatePerSec: ratePerSec * 2 },
  ];
}

/** Each kind asks for its letter and takes no other. */
function kindsOf({ server, kindCount, requestBytes }: FaultCase): RequestKind[] {
  return ['a', 'b', 'c'].slice(0, kindCount).map((letter) => {
    const body = Buffer.from(bodyOf(letter, Math.max(requestBytes, server.protocol === 'frame' ? 1 : 0)));
    const wanted = Buffer.from(bodyOf(letter, server.replyBytes));
    return {
      name: letter,
      rowCount: 1,
      pick: 'sequential',
      requestOf: () =>
        server.isHead ? { method: 'HEAD', path: `/${letter}` } : { method: 'POST', path: `/${letter}`, body },
      check: {
        status: [[0, 399]],
        statusReason: 'status',
        headers: [],
        body: server.isHead ? [] : [{ rule: 'equals', bytes: wanted, reason: 'the body of another' }],
        captureBytes: server.isHead ? 0 : server.replyBytes + 1,
      },
    };
  });
}
