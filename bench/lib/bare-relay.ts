/**
 * The barest relay on our own loop, as a floor for the proxy: no clocks, no counts; what comes on one side goes
 * out on the other. argv is the port to listen at, the port to go to, the back end. Ends with its parent.
 */
import { createMonotonicClock } from '../../src/kernel/clock.ts';
import { createLoop } from '../../src/loop/registry.ts';

const [listenPort, upstreamPort, backend] = process.argv.slice(2);
const CONNECTIONS = 4096;
const PIECE_BYTES = 65_536;
const STALL_BYTES = 2 * PIECE_BYTES;

const peer = new Int32Array(CONNECTIONS).fill(-1);
const hasEnded = new Uint8Array(CONNECTIONS);
const upstream = { kind: 'tcp', host: '127.0.0.1', port: Number(upstreamPort) } as const;

const join = (a: number, b: number) => {
  peer[a] = b;
  peer[b] = a;
  hasEnded[a] = hasEnded[b] = 0;
};

const closeBoth = (conn: number) => {
  const other = peer[conn]!;
  if (other === -1) return;
  peer[conn] = peer[other] = -1;
  loop.close(conn);
  loop.close(other);
};

const loop = createLoop(
  {
    connectionLimit: CONNECTIONS,
    nowNs: createMonotonicClock().nowNs,
    relays: true,
    sendBlockBytes: PIECE_BYTES,
    handlers: {
      onAccept: (conn) => join(conn, loop.connect(upstream)),
      onConnect: (conn, errno) => {
        if (errno !== 0) throw new Error(`no upstream at ${upstreamPort}: ${errno}`);
        loop.setReceiving(peer[conn]!, true);
        loop.setReceiving(conn, true);
      },
      onData: (conn, bytes, start, end) => {
        const to = peer[conn]!;
        loop.sendCopy(to, bytes, start, end);
        if (loop.pendingSendBytes(to) <= STALL_BYTES) return;
        loop.setReceiving(conn, false);
        loop.askRoom(to, PIECE_BYTES);
      },
      onRoom: (conn) => loop.setReceiving(peer[conn]!, true),
      onEnd: (conn) => {
        hasEnded[conn] = 1;
        if (hasEnded[peer[conn]!] === 1) closeBoth(conn);
        else loop.shutdown(peer[conn]!);
      },
      onClose: (conn) => closeBoth(conn),
      onTurn: () => Number.POSITIVE_INFINITY,
    },
  },
  backend as 'ring' | 'epoll',
  { bufferBytes: PIECE_BYTES, bufferCount: 256 },
);
loop.listen({ kind: 'tcp', host: '127.0.0.1', port: Number(listenPort) });
for (;;) loop.turn();
