/**
 * Traffic through a proxy with accounts, and what an upstream says of it. The upstream answers at many addresses of the
 * loopback, so that each row of the accounts is a few connections, whose bytes it knows.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createPrng } from '../../src/base/prng.ts';
import { readAccounts } from '../../src/serve/proxy/accounts/read-accounts.ts';
import { binPath } from '../fixtures/loopscope.ts';
import { freePort } from '../fixtures/ports.ts';
import { type Started, start, until } from '../fixtures/process.ts';

/** A connection as the upstream saw it; `endedMs` NaN while it lasts, or when it broke. performance.now() */
export type Seen = { destination: string; upBytes: number; downBytes: number; endedMs: number };

/** The client says how much it sends and wants: two 32-bit numbers. */
const HEAD_BYTES = 8;
const filler = Buffer.alloc(1 << 20, 'x');

export type Upstream = {
  readonly addresses: string[];
  readonly seen: Seen[];
  [Symbol.dispose](): void;
};

export async function startUpstream(addressCount: number): Promise<Upstream> {
  const seen: Seen[] = [];
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const one = {
      destination: `${socket.localAddress}:${socket.localPort}`,
      upBytes: 0,
      downBytes: 0,
      endedMs: Number.NaN,
    };
    seen.push(one);
    open.add(socket);
    let head = Buffer.alloc(0);
    let broke = false;
    socket.on('data', (bytes: Buffer) => {
      one.upBytes += bytes.length;
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, bytes]).subarray(0, HEAD_BYTES);
    });
    socket.on('end', () => {
      if (head.length < HEAD_BYTES) return socket.destroy();
      one.downBytes = head.readUInt32BE(4);
      socket.end(filler.subarray(0, one.downBytes));
    });
    socket.on('error', () => {
      broke = true;
    });
    socket.on('close', () => {
      open.delete(socket);
      if (!broke && head.length === HEAD_BYTES && one.upBytes === head.readUInt32BE(0))
        one.endedMs = performance.now();
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '0.0.0.0', resolve));
  return {
    addresses: Array.from(
      { length: addressCount },
      (_, i) => `127.0.${1 + (i >> 7)}.${1 + (i & 127)}:${port}`,
    ),
    seen,
    [Symbol.dispose]() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

export type ProxyOptions = { file: string; upstream: Upstream; args?: string[] };

/** The proxy, listening at `port`. */
export async function startProxy({
  file,
  upstream,
  args = [],
}: ProxyOptions): Promise<Started & { port: number }> {
  const upstreams = upstream.addresses.flatMap((address) => ['--upstream', address]);
  const proxy = start(binPath, [
    'serve',
    'proxy',
    '-l',
    '127.0.0.1:0',
    ...upstreams,
    '--accounts',
    file,
    ...args,
  ]);
  const port = await until(
    'the proxy',
    () => /listening on tcp:\/\/127\.0\.0\.1:(\d+)/.exec(proxy.output())?.[1] ?? null,
    20_000,
  );
  return Object.assign(proxy, { port: Number(port) });
}

export type Traffic = {
  connectionCount: number;
  concurrency: number;
  seed: number;
  mostBytes: number;
  pauseMs: number;
};

/** Exchanges through the proxy, each of random size, until there were so many or `signal` aborts. Returns how many broke. */
export async function exchange(port: number, traffic: Traffic, signal?: AbortSignal): Promise<number> {
  const prng = createPrng(traffic.seed);
  let left = traffic.connectionCount;
  let broken = 0;
  const client = async () => {
    while (left-- > 0 && !signal?.aborted) {
      const upBytes = HEAD_BYTES + prng.below(traffic.mostBytes);
      if (!(await exchangeOnce(port, upBytes, prng.below(traffic.mostBytes)))) broken++;
      if (traffic.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, traffic.pauseMs));
    }
  };
  await Promise.all(Array.from({ length: traffic.concurrency }, client));
  return broken;
}

function exchangeOnce(port: number, upBytes: number, downBytes: number): Promise<boolean> {
  return new Promise((resolve) => {
    let got = 0;
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(upBytes, 0);
    head.writeUInt32BE(downBytes, 4);
    socket.write(head);
    socket.end(filler.subarray(0, upBytes - HEAD_BYTES));
    socket.on('data', (bytes) => {
      got += bytes.length;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(got === downBytes));
  });
}

export type Comparison = {
  /** Destinations of which more is written than was moved: something counted twice. */
  tooMuch: string[];
  /** Connections that had ended and are not written, and when the first of them ended. */
  missing: number;
  firstMissingMs: number;
};

/** What is written beside what the upstream saw. A destination's connections are written in the order in which they came. */
export function compare(file: string, seen: readonly Seen[]): Comparison {
  const rows = new Map(readAccounts(file, {}).rows.map(({ destination, usage }) => [destination, usage]));
  const byDestination = Map.groupBy(seen, ({ destination }) => destination);
  const result: Comparison = { tooMuch: [], missing: 0, firstMissingMs: Number.POSITIVE_INFINITY };
  for (const [destination, row] of rows) {
    const all = byDestination.get(destination) ?? [];
    const isOpen = all.some(({ endedMs }) => Number.isNaN(endedMs));
    const most = (pick: (one: Seen) => number) => all.reduce((sum, one) => sum + pick(one), 0);
    // What one that broke had on its way is not known here.
    const tooMany = row.connections > all.length;
    const tooLong =
      !isOpen && (row.upBytes > most((one) => one.upBytes) || row.downBytes > most((one) => one.downBytes));
    if (tooMany || tooLong)
      result.tooMuch.push(`${destination}: ${JSON.stringify(row)} of ${JSON.stringify(all)}`);
  }
  for (const [destination, all] of byDestination) {
    const row = rows.get(destination);
    let [up, down] = [row?.upBytes ?? 0, row?.downBytes ?? 0];
    for (const one of all.toSorted((a, b) => a.endedMs - b.endedMs)) {
      if (Number.isNaN(one.endedMs)) continue;
      up -= one.upBytes;
      down -= one.downBytes;
      if (up >= 0 && down >= 0) continue;
      result.missing++;
      result.firstMissingMs = Math.min(result.firstMissingMs, one.endedMs);
    }
  }
  return result;
}

export type KillTrial = Comparison & {
  /** master: the proxy itself. worker: one of its workers, and the proxy goes on and is ended in good order. */
  killed: 'master' | 'worker' | 'proxy';
  /** Age at the kill of the oldest connection that had ended and is not written; 0: all are. */
  lostMs: number;
  connections: number;
};

/** Kills a proxy (-9) at a random moment of its traffic, and compares. */
export async function killTrial(file: string, seed: number): Promise<KillTrial> {
  const prng = createPrng(seed);
  const killed = (['proxy', 'master', 'worker'] as const)[prng.below(3)]!;
  using upstream = await startUpstream(200);
  const args = killed === 'proxy' ? [] : ['--workers', '2'];
  await using proxy = await startProxy({ file, upstream, args });
  const ending = new AbortController();
  const traffic = { connectionCount: 1e6, concurrency: 4, seed, mostBytes: 20_000, pauseMs: 10 };
  const done = exchange(proxy.port, traffic, ending.signal);
  await new Promise((resolve) => setTimeout(resolve, 800 + prng.below(2000)));
  const pids = /workers ([\d ]+)\)/.exec(proxy.output())?.[1]?.split(' ').map(Number);
  const killedMs = performance.now();
  if (killed === 'worker') {
    process.kill(pids![prng.below(2)]!, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 500));
  } else {
    proxy.child.kill('SIGKILL');
  }
  ending.abort();
  await done;
  if (killed === 'worker') proxy.child.kill('SIGINT');
  await proxy.exited;
  const { tooMuch, missing, firstMissingMs } = compare(file, upstream.seen);
  const lostMs = missing > 0 ? Math.max(0, killedMs - firstMissingMs) : 0;
  return { killed, tooMuch, missing, firstMissingMs, lostMs, connections: upstream.seen.length };
}
