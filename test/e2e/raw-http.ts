/** Raw HTTP for tests: bytes as they are, one write for each piece, and replies read without mercy. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export type RawReply = { status: number; fields: Map<string, string>; body: string };

/** Opens a connection to http://host:port/, from a local address if one is given. */
function openTo(target: string, localAddress?: string): Socket {
  const { hostname, port } = new URL(target);
  const socket = connect({ host: hostname, port: Number(port), localAddress, allowHalfOpen: true });
  socket.setNoDelay(true);
  return socket;
}

export class RawClient {
  readonly connected: Promise<void>;
  /** The server has ended its side, or reset the connection. Fails when it could not be opened. */
  readonly ended: Promise<void>;
  hasEnded = false;
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];

  constructor(target: string, localAddress?: string) {
    this.#socket = openTo(target, localAddress);
    this.connected = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve).once('error', reject);
    });
    this.connected.catch(() => {});
    this.#socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.#socket.on('error', () => {});
    const ended = new Promise<void>((resolve) => {
      const end = () => {
        this.hasEnded = true;
        resolve();
      };
      this.#socket.once('end', end).once('close', end);
    });
    this.ended = this.connected.then(() => ended);
    this.ended.catch(() => {});
  }

  /** Everything received, a byte a character. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString('latin1');
  }

  write(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed)
      this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Writes, and waits until the kernel has taken it or the connection has ended. */
  async writeAll(bytes: string): Promise<void> {
    if (this.#socket.destroyed) return;
    if (this.#socket.write(Buffer.from(bytes, 'latin1'))) return;
    await Promise.race([this.ended, new Promise((resolve) => this.#socket.once('drain', resolve))]);
  }

  /** Writes and ends this side; the other stays open. */
  end(bytes: string): void {
    this.#socket.end(Buffer.from(bytes, 'latin1'));
  }

  pause(): void {
    this.#socket.pause();
  }

  /** Takes so many bytes at most, every so often. */
  readSlowly(bytes: number, everyMs: number): void {
    let budget = bytes;
    this.#socket.on('data', (chunk) => {
      budget -= chunk.length;
      if (budget <= 0) this.#socket.pause();
    });
    const timer = setInterval(() => {
      budget = bytes;
      this.#socket.resume();
    }, everyMs);
    void this.ended.finally(() => clearInterval(timer));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Sends the pieces, apart from each other, and returns all that comes until the server ends the connection. */
export async function exchange(target: string, pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const client = new RawClient(target);
  await client.connected;
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) await delay(1);
    client.write(piece);
  }
  await client.ended;
  client.destroy();
  return client.text;
}

/** The replies that the text consists of, nothing before, between or after them. `bodiless`: which answer a HEAD. */
export function repliesIn(text: string, bodiless: readonly number[] = []): RawReply[] {
  const replies: RawReply[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end < 0) throw new Error(`a reply without an end: ${JSON.stringify(text.slice(at, at + 300))}`);
    const [line, ...rows] = text.slice(at, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) [ -~]*$/.exec(line!)?.[1]);
    const fields = new Map(
      rows.map((row) => {
        const found = /^([A-Za-z-]+): ([ -~]*)$/.exec(row);
        if (!found) throw new Error(`not a field: ${JSON.stringify(row)}`);
        return [found[1]!.toLowerCase(), found[2]!] as const;
      }),
    );
    if (Number.isNaN(status)) throw new Error(`not a status line: ${JSON.stringify(line)}`);
    const hasBody = !bodiless.includes(replies.length) && status !== 204 && status >= 200;
    const length = hasBody ? Number(fields.get('content-length')) : 0;
    at = end + 4 + length;
    if (!(at <= text.length)) throw new Error(`a reply cut short: ${JSON.stringify(text.slice(end - 200))}`);
    replies.push({ status, fields, body: text.slice(end + 4, at) });
  }
  return replies;
}

export function statusesIn(text: string): number[] {
  return repliesIn(text).map(({ status }) => status);
}
