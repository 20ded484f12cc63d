/**
 * A client that notices every loss: connections that ask, check the whole answer, and ask again, until told to stop.
 * An HTTP answer that says so ends its connection; the client opens another.
 */
import { connect, type Socket } from 'node:net';
import type { Address } from '../../base/address.ts';

export type ClientCounts = {
  answeredCount: number;
  /** Answers that were not the one expected. */
  wrongCount: number;
  /** Requests without an answer, and connections refused. */
  lostCount: number;
  connectionCount: number;
};

export type SteadyClient = {
  readonly counts: ClientCounts;
  /** After the answers that are due. */
  stop(): Promise<ClientCounts>;
};

export type SteadyClientOptions = {
  connections: number;
  request: string;
  /** Whether a text is the whole answer, and whether the connection ends after it; null: more is to come. */
  judge(text: string): { right: boolean; last: boolean } | null;
};

const PAUSE_MS = 1;

export function startSteadyClient(address: Address, options: SteadyClientOptions): SteadyClient {
  const counts: ClientCounts = { answeredCount: 0, wrongCount: 0, lostCount: 0, connectionCount: 0 };
  let stopping = false;
  const one = async () => {
    while (!stopping) {
      const socket = await open(address);
      if (!socket) {
        counts.lostCount++;
        await pause(20);
        continue;
      }
      counts.connectionCount++;
      await converse(socket);
      socket.destroy();
    }
  };
  const converse = async (socket: Socket) => {
    let text = '';
    let heard = () => {};
    let ended = false;
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      heard();
    });
    socket.on('close', () => {
      ended = true;
      heard();
    });
    while (!stopping) {
      text = '';
      socket.write(options.request);
      let verdict = options.judge(text);
      while (verdict === null && !ended) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
        verdict = options.judge(text);
      }
      if (verdict === null) {
        counts.lostCount++;
        return;
      }
      if (verdict.right) counts.answeredCount++;
      else counts.wrongCount++;
      if (verdict.last) return;
      await pause(PAUSE_MS);
    }
  };
  const all = Array.from({ length: options.connections }, one);
  return {
    counts,
    async stop() {
      stopping = true;
      await Promise.all(all);
      return counts;
    },
  };
}

/** For `serve http` with its default body. */
export const HTTP_CONVERSATION: Pick<SteadyClientOptions, 'request' | 'judge'> = {
  request: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  judge(text) {
    const end = text.indexOf('\r\n\r\n');
    if (end < 0 || text.length < end + 10) return null;
    const right = text.startsWith('HTTP/1.1 200 OK\r\n') && text.slice(end + 4) === 'hello\n';
    return { right, last: text.includes('\r\nConnection: close\r\n') };
  },
};

/** The same with a connection for each request. */
export const ONE_EACH: Pick<SteadyClientOptions, 'request' | 'judge'> = {
  request: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  judge: HTTP_CONVERSATION.judge,
};

/** For `serve agent` with its default body. */
export const FRAME_CONVERSATION: Pick<SteadyClientOptions, 'request' | 'judge'> = {
  request: '\0\0\0\x03abc',
  judge(text) {
    return text.length < 10 ? null : { right: text === '\0\0\0\x06hello\n', last: false };
  },
};

function open(address: Address): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket =
      address.kind === 'unix' ? connect(address.path) : connect({ host: address.host, port: address.port });
    socket.setNoDelay(true);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
    socket.on('error', () => {});
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
