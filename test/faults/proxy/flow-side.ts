/** One side of a connection through a proxy: sends and reads as its plan says, and tells what it saw. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { SidePlan } from './flow-cases.ts';
import type { FlowStream } from './flow-stream.ts';

export type SideResult = {
  /** The other side's end came. */
  sawEnd: boolean;
  /** Code of the error that came; '' without one. */
  error: string;
};

/** Resolves when the socket is closed. `head`: bytes that are no part of the stream, sent first. */
export async function playSide(
  socket: Socket,
  plan: SidePlan,
  sent: FlowStream,
  received: FlowStream,
  head: Buffer = Buffer.alloc(0),
): Promise<SideResult> {
  const result: SideResult = { sawEnd: false, error: '' };
  socket.on('error', (error: NodeJS.ErrnoException) => {
    result.error = error.code ?? error.message;
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const ended = new Promise<void>((resolve) => {
    socket.once('end', () => {
      result.sawEnd = true;
      resolve();
    });
    closed.then(resolve);
  });
  let untilPause = plan.pauseEveryBytes;
  socket.on('data', (bytes: Buffer) => {
    received.check(bytes);
    untilPause -= bytes.length;
    if (untilPause > 0) return;
    untilPause = plan.pauseEveryBytes;
    socket.pause();
    setTimeout(() => socket.resume(), plan.pauseMs);
  });
  await sendAll(socket, plan, sent, head, ended);
  await closed;
  return result;
}

async function sendAll(
  socket: Socket,
  plan: SidePlan,
  sent: FlowStream,
  head: Buffer,
  ended: Promise<void>,
): Promise<void> {
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  if (head.length > 0) socket.write(head);
  if (plan.waitsForEnd) await ended;
  const until = plan.resetsAtBytes ?? plan.sendBytes;
  while (sent.byteCount < until && !socket.destroyed) {
    const bytes = sent.next(Math.min(plan.writeBytes, until - sent.byteCount));
    if (socket.write(bytes)) continue;
    await once(socket, 'drain', { signal: gone.signal }).catch(() => {});
  }
  if (socket.destroyed) return;
  if (plan.resetsAtBytes === null) {
    socket.end();
    return;
  }
  await delay(5);
  socket.resetAndDestroy();
}
