/**
 * Clients that each open a connection of their own when it is time, ask once and leave. Nothing is opened beforehand, so
 * each of them depends on a worker that accepts now.
 */
import { connect, type Socket } from 'node:net';

export type Calls = {
  sent: number;
  /** From connect to the end of the reply, ns; those without one are left out. */
  answeredNs: number[];
  /** Refused, reset, or given up. */
  failed: number;
};

const GIVE_UP_MS = 8000;

/** Calls at a steady rate until `durationNs` is over, and waits for the last replies. */
export async function makeCalls(
  target: string,
  ratePerSec: number,
  durationNs: number,
  signal: AbortSignal,
): Promise<Calls> {
  const { hostname, port } = new URL(target);
  const calls: Calls = { sent: 0, answeredNs: [], failed: 0 };
  const open = new Set<Promise<void>>();
  const began = performance.now();
  for (let due = 0; due < durationNs / 1e6 && !signal.aborted; due = (calls.sent * 1000) / ratePerSec) {
    const waitMs = began + due - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    calls.sent++;
    const call = callOnce(hostname, Number(port), calls).finally(() => open.delete(call));
    open.add(call);
  }
  await Promise.all(open);
  return calls;
}

function callOnce(host: string, port: number, calls: Calls): Promise<void> {
  const sent = performance.now();
  return new Promise((resolve) => {
    const socket: Socket = connect({ host, port });
    let answered = false;
    socket.setTimeout(GIVE_UP_MS, () => socket.destroy());
    socket.once('connect', () => socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    socket.once('data', () => {
      answered = true;
      calls.answeredNs.push((performance.now() - sent) * 1e6);
      // A reset leaves no TIME_WAIT behind on either side.
      socket.resetAndDestroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      if (!answered) calls.failed++;
      resolve();
    });
  });
}
