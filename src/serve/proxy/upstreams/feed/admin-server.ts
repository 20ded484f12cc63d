/** The admin socket: a Unix socket that only its owner may open, on Node's own loop. Everything a peer can ask is bounded. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { LoopscopeError } from '../../../../base/errors.ts';
import type { Roster } from '../rows/roster.ts';
import { answer } from './admin-commands.ts';
import { Pace } from './pace.ts';

const MOST_PEERS = 16;
const MOST_LINE_BYTES = 512;
const TOO_LONG = `a line has ${MOST_LINE_BYTES} bytes at most`;
const IDLE_MS = 30_000;

export type AdminServer = { [Symbol.asyncDispose](): Promise<void> };

/** Listens. Throws SYSCALL with a hint when somebody else does already, or the path cannot be had. */
export async function listenForAdmin(path: string, roster: Roster): Promise<AdminServer> {
  await removeDeadSocket(path);
  const peers = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (peer) => {
    peers.add(peer);
    peer.on('close', () => peers.delete(peer)).on('error', () => peer.destroy());
    peer.setTimeout(IDLE_MS, () => peer.destroy());
    if (peers.size > MOST_PEERS) {
      peer.end(`error: ${MOST_PEERS} others are connected (try again later)\n`);
      return;
    }
    void talk(peer, roster);
  });
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
    chmodSync(path, 0o600);
  } catch (error) {
    throw new LoopscopeError(
      'SYSCALL',
      `--admin ${path}: ${(error as Error).message}`,
      'choose another path',
      error,
    );
  } finally {
    process.umask(before);
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const peer of peers) peer.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** One line after the other, each answered before the next is read. */
async function talk(peer: Socket, roster: Roster): Promise<void> {
  const pace = new Pace();
  let rest = '';
  try {
    // Its end is the peer's alone: answers are still to be written.
    for await (const chunk of peer.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) await reply(peer, roster, line, pace);
      if (rest.length > MOST_LINE_BYTES) throw new Error(TOO_LONG);
    }
    if (rest !== '') await reply(peer, roster, rest, pace);
    peer.end();
  } catch (error) {
    peer.end(`error: ${(error as Error).message}\n`);
    peer.destroySoon();
  }
}

async function reply(peer: Socket, roster: Roster, line: string, pace: Pace): Promise<void> {
  if (line.length > MOST_LINE_BYTES) throw new Error(TOO_LONG);
  if (line.trim() === '') return;
  for (const piece of answer(roster, line)) {
    if (piece !== '' && !peer.write(piece)) await drained(peer);
    if (pace.isOver) await pace.rest();
    if (peer.destroyed) return;
  }
}

/** Who does not read is not written to; the idle timeout ends that. */
function drained(peer: Socket): Promise<void> {
  return new Promise((resolve) => {
    peer.once('drain', resolve);
    peer.once('close', resolve);
  });
}

/** A socket file on which nobody answers is left over from a server that was killed. */
async function removeDeadSocket(path: string): Promise<void> {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  if (!isSocket) return;
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path, () => resolve(true));
    probe.on('error', () => resolve(false));
    probe.on('connect', () => probe.destroy());
  });
  if (!isAlive) unlinkSync(path);
}
