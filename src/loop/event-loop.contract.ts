// Goal: what any event loop must do, run against every back end by event-loop.ktest.ts.
// Method: client and server share one loop in one thread, or the peer is a raw non-blocking socket, so that nothing
// here depends on time: turns are made until something is true, or the test fails.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Address } from '../base/address.ts';
import { createClock } from '../base/clock.ts';
import { LoopscopeError } from '../base/errors.ts';
import { encodeAddress } from '../kernel/address.ts';
import { ERRNO } from '../kernel/errno.ts';
import {
  acceptConnection,
  closeFd,
  localAddress,
  openClientSocket,
  openListener,
  setResetOnClose,
  shutdownSocket,
  startConnect,
} from '../kernel/sockets.ts';
import { StreamIo } from '../kernel/stream-io.ts';
import {
  END_LINGER_NS,
  type EventLoop,
  type LoopHandlers,
  type LoopOptions,
  SEND_QUEUE_DEPTH,
} from './event-loop.ts';

export type CreateLoop = (options: LoopOptions) => EventLoop;

const LIMIT_NS = 10e9;
const LOOPBACK: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const NO_MORE = 1;

/** A loop that writes down all it is told, and runs until something is true. */
export class Recorder {
  readonly loop: EventLoop;
  readonly events: string[] = [];
  readonly received = new Map<number, Uint8Array[]>();
  readonly clock = createClock();
  readonly accepted: number[] = [];
  turnCount = 0;
  turnAtNs = 0;
  waitNs = 1e6;
  /** Replaced by tests. */
  onData: LoopHandlers['onData'] = () => {};
  onClose: LoopHandlers['onClose'] = () => {};
  onAccept: LoopHandlers['onAccept'] = () => {};
  onConnect: LoopHandlers['onConnect'] = () => {};
  onEnd: (conn: number) => void = () => {};
  onRoom: (conn: number) => void = () => {};
  onTurn: () => void = () => {};

  constructor(create: CreateLoop, options: Partial<LoopOptions> = {}) {
    this.loop = create({
      connectionLimit: 64,
      nowNs: this.clock.nowNs,
      ...options,
      handlers: {
        onConnect: (conn, errno) => {
          this.events.push(`connect ${conn} ${errno}`);
          this.onConnect(conn, errno);
        },
        onAccept: (conn, listener) => {
          this.events.push(`accept ${conn} ${listener}`);
          this.accepted.push(conn);
          this.onAccept(conn, listener);
        },
        onData: (conn, bytes, start, end) => {
          const pieces = this.received.get(conn) ?? [];
          pieces.push(bytes.slice(start, end));
          this.received.set(conn, pieces);
          this.onData(conn, bytes, start, end);
        },
        onClose: (conn, errno) => {
          this.events.push(`close ${conn} ${errno}`);
          this.onClose(conn, errno);
        },
        onEnd: (conn) => {
          this.events.push(`end ${conn}`);
          this.onEnd(conn);
        },
        onRoom: (conn) => {
          this.events.push(`room ${conn}`);
          this.onRoom(conn);
        },
        onTurn: (nowNs) => {
          this.turnCount++;
          this.turnAtNs = nowNs;
          this.onTurn();
          return this.waitNs;
        },
      },
    });
  }

  until(what: string, condition: () => boolean): void {
    const deadlineNs = this.clock.nowNs() + LIMIT_NS;
    while (!condition()) {
      assert.ok(
        this.clock.nowNs() < deadlineNs,
        `waited in vain for ${what}; events: ${this.events.join(', ')}`,
      );
      this.loop.turn();
    }
  }

  turns(count: number): void {
    for (let i = 0; i < count; i++) this.loop.turn();
  }

  bytesOf(conn: number): Buffer {
    return Buffer.concat(this.received.get(conn) ?? []);
  }

  receivedCount(conn: number): number {
    return (this.received.get(conn) ?? []).reduce((sum, piece) => sum + piece.length, 0);
  }

  /** A client and its server side, both open. */
  pair(address: Address = LOOPBACK): { client: number; server: number } {
    const listener = this.loop.listen(address);
    const client = this.loop.connect(this.loop.listenerAddress(listener));
    const before = this.accepted.length;
    this.until(
      'a pair',
      () => this.accepted.length > before && this.events.some((e) => e === `connect ${client} 0`),
    );
    return { client, server: this.accepted.at(-1)! };
  }

  echo(server: number): void {
    this.onData = (conn, bytes, start, end) => {
      if (conn === server) assert.ok(this.loop.sendCopy(conn, bytes, start, end));
    };
  }

  [Symbol.dispose](): void {
    this.loop[Symbol.dispose]();
  }
}

/** A connected raw socket as the peer of an accepted connection. */
export class RawPeer {
  readonly fd: number;
  readonly #io = new StreamIo(65_536);

  constructor(address: Address) {
    this.fd = openClientSocket(address);
    const result = startConnect(this.fd, encodeAddress(address));
    assert.ok(result === 0 || result === -ERRNO.EINPROGRESS, `connect gave ${result}`);
  }
  send(text: string): number {
    const bytes = Buffer.from(text);
    // Sent through StreamIo from memory that does not move.
    this.#io.receiveBuffer.set(bytes);
    return this.#io.sendReceived(this.fd, bytes.length);
  }
  /** Bytes there are now; 0 at the end; −errno. */
  receive(): number {
    return this.#io.receive(this.fd);
  }
  byte(index: number): number {
    return this.#io.receiveBuffer[index]!;
  }
  text(byteCount: number): string {
    return Buffer.from(this.#io.receiveBuffer.subarray(0, byteCount)).toString();
  }
  [Symbol.dispose](): void {
    closeFd(this.fd);
  }
}

export function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`;
      } catch {
        return ''; // The directory's own descriptor, closed by now.
      }
    })
    .filter((line) => /socket:|eventpoll|io_uring/.test(line));
}

/** Runs the whole contract. `skip` says why this machine cannot, or is false. */
export function testEventLoop(name: string, create: CreateLoop, canRun: (t: TestContext) => boolean): void {
  describe(`${name} event loop`, () => {
    let directory = '';
    let descriptorsBefore: string[] = [];
    const it = (title: string, body: () => void) =>
      test(title, (t) => {
        if (canRun(t)) body();
      });

    before(() => {
      directory = mkdtempSync(join(tmpdir(), 'loopscope-'));
      descriptorsBefore = openDescriptors();
    });
    after(() => {
      rmSync(directory, { recursive: true });
      assert.deepEqual(openDescriptors(), descriptorsBefore, 'descriptors left open');
    });

    it('echoes over TCP, IPv6 and a Unix socket', () => {
      const addresses: Address[] = [
        LOOPBACK,
        { kind: 'tcp', host: '::1', port: 0 },
        { kind: 'unix', path: join(directory, 'echo.sock') },
      ];
      for (const address of addresses) {
        using r = new Recorder(create);
        const { client, server } = r.pair(address);
        r.echo(server);
        assert.ok(r.loop.sendCopy(client, Buffer.from('hello'), 0, 5));
        r.until('the echo', () => r.receivedCount(client) === 5);
        assert.equal(r.bytesOf(client).toString(), 'hello');
      }
    });

    it('sends from send memory, any part of it, in order with copies', () => {
      using r = new Recorder(create);
      const { client, server } = r.pair();
      const memory = r.loop.allocateSendMemory(10);
      memory.bytes.set(Buffer.from('0123456789'));
      assert.ok(r.loop.send(client, memory, 0, 4));
      assert.ok(r.loop.sendCopy(client, Buffer.from('abc'), 0, 3));
      assert.ok(r.loop.send(client, memory, 6, 10));
      assert.ok(r.loop.send(client, memory, 3, 3), 'nothing to send is no failure');
      r.until('all of it', () => r.receivedCount(server) === 11);
      assert.equal(r.bytesOf(server).toString(), '0123abc6789');
    });

    it('finishes a message far larger than the socket buffers, in order', () => {
      using r = new Recorder(create);
      const { client, server } = r.pair();
      const size = 24 << 20;
      const memory = r.loop.allocateSendMemory(size);
      const words = new Uint32Array(memory.bytes.buffer, 0, size / 4);
      for (let i = 0; i < words.length; i++) words[i] = i;
      let next = 0;
      let wrong = 0;
      r.onData = (conn, bytes, start, end) => {
        if (conn !== server) return;
        for (let i = start; i < end; i++, next++) if (bytes[i] !== memory.bytes[next % size]) wrong++;
        r.received.clear();
      };
      assert.ok(r.loop.send(client, memory, 0, size));
      assert.ok(r.loop.sendCopy(client, memory.bytes, 0, 5));
      assert.equal(r.loop.pendingSendBytes(client) > 0, true);
      r.until('the whole message', () => next >= size);
      assert.equal(wrong, 0);
      r.until('the copy behind it', () => next === size + 5);
      r.until('an empty queue', () => r.loop.pendingSendBytes(client) === 0);
    });

    it('keeps partial writes in order while the peer reads slowly', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      const conn = r.accepted[0]!;
      const piece = Buffer.alloc(60_000);
      let written = 0;
      let refusedCount = 0;
      let read = 0;
      for (let round = 0; round < 200; round++) {
        for (let i = 0; i < piece.length; i++) piece[i] = (written + i) % 251;
        if (r.loop.sendCopy(conn, piece, 0, piece.length)) written += piece.length;
        else refusedCount++;
        r.turns(1);
        if (round % 3 === 0) read += readChecked(peer, read, 1);
      }
      assert.ok(refusedCount > 0, 'the queue has an end');
      r.until('the rest', () => {
        read += readChecked(peer, read);
        return read >= written;
      });
      assert.equal(read, written);
    });

    it('refuses to queue more pieces than a connection may have, and keeps those it took', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      const conn = r.accepted[0]!;
      const memory = r.loop.allocateSendMemory(4 << 20);
      let taken = 0;
      while (r.loop.send(conn, memory, 0, memory.bytes.length)) {
        taken++;
        assert.ok(taken <= SEND_QUEUE_DEPTH * 2, 'the queue never fills');
        r.turns(1);
      }
      assert.ok(taken >= SEND_QUEUE_DEPTH);
      let read = 0;
      r.until('every piece', () => {
        for (let n = peer.receive(); n > 0; n = peer.receive()) read += n;
        return read >= taken * memory.bytes.length;
      });
      assert.equal(read, taken * memory.bytes.length);
    });

    it('serves many connections at once, and more than a table over time', () => {
      using r = new Recorder(create, { connectionLimit: 400 });
      const listener = r.loop.listen({ kind: 'unix', path: join(directory, 'many.sock') });
      const address = r.loop.listenerAddress(listener);
      const servers = new Set<number>();
      r.onAccept = (conn) => servers.add(conn);
      let echoed = 0;
      let closed = 0;
      r.onConnect = (conn, errno) => {
        assert.equal(errno, 0);
        r.loop.sendCopy(conn, Buffer.from('0123456789'), 0, 10);
      };
      r.onData = (conn, bytes, start, end) => {
        if (servers.has(conn)) {
          r.loop.sendCopy(conn, bytes, start, end);
          return;
        }
        echoed += end - start;
        r.loop.close(conn);
      };
      r.onClose = (conn) => {
        servers.delete(conn);
        closed++;
      };
      for (let wave = 1; wave <= 5; wave++) {
        for (let i = 0; i < 190; i++) r.loop.connect(address);
        r.until(`wave ${wave}`, () => closed === wave * 190);
      }
      assert.equal(echoed, 5 * 190 * 10);
      assert.equal(r.loop.connectionCount, 0);
    });

    it('reports half close by the peer as an orderly end, after its last bytes', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      const conn = r.accepted[0]!;
      r.onData = (c) => r.loop.sendCopy(c, Buffer.from('answer'), 0, 6);
      peer.send('question');
      shutdownSocket(peer.fd, NO_MORE);
      r.until('the close', () => r.events.includes(`close ${conn} 0`));
      assert.equal(r.bytesOf(conn).toString(), 'question');
      let n = 0;
      r.until('the answer', () => (n = peer.receive()) > 0);
      assert.equal(peer.text(n), 'answer');
      assert.equal(r.loop.connectionCount, 0);
    });

    it('reports a reset as ECONNRESET', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      const peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      setResetOnClose(peer.fd);
      peer[Symbol.dispose]();
      r.until('the close', () => r.events.includes(`close ${r.accepted[0]} ${ERRNO.ECONNRESET}`));
      assert.equal(r.loop.connectionCount, 0);
    });

    it('reports a send to a peer that is gone as an error, not as an orderly end', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen({ kind: 'unix', path: join(directory, 'gone.sock') });
      const peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      const conn = r.accepted[0]!;
      let closedWith = -1;
      r.onClose = (_, errno) => (closedWith = errno);
      r.onTurn = () => {
        r.loop.sendCopy(conn, Buffer.from('x'), 0, 1);
      };
      shutdownSocket(peer.fd, 0);
      r.until('the close', () => closedWith !== -1);
      assert.equal(closedWith, ERRNO.EPIPE);
      peer[Symbol.dispose]();
    });

    it('reports a refused connect, and frees the slot', () => {
      using r = new Recorder(create, { connectionLimit: 1 });
      const fd = openListener(LOOPBACK);
      const address = localAddress(fd);
      closeFd(fd);
      for (let i = 0; i < 3; i++) {
        const conn = r.loop.connect(address);
        const known = r.events.length;
        r.until('the refusal', () => r.events.length > known);
        assert.equal(r.events.at(-1), `connect ${conn} ${ERRNO.ECONNREFUSED}`);
      }
      const missing: Address = { kind: 'unix', path: join(directory, 'missing.sock') };
      const conn = r.loop.connect(missing);
      r.until('the refusal', () => r.events.at(-1) === `connect ${conn} ${ERRNO.ENOENT}`);
      assert.equal(r.loop.connectionCount, 0);
    });

    it('connects from a source address, and refuses one of the wrong family', () => {
      using r = new Recorder(create);
      const listenFd = openListener(LOOPBACK);
      try {
        const client = r.loop.connect(localAddress(listenFd), { sourceAddress: '127.0.0.9' });
        r.until('the connect', () => r.events.includes(`connect ${client} 0`));
        const fd = acceptConnection(listenFd);
        assert.ok(fd >= 0);
        closeFd(fd);
        assert.throws(() => r.loop.connect(localAddress(listenFd), { sourceAddress: '::1' }), /EAFNOSUPPORT/);
      } finally {
        closeFd(listenFd);
      }
    });

    it('throws when the table is full, and connects again after a close', () => {
      using r = new Recorder(create, { connectionLimit: 2 });
      const { client } = r.pair();
      const address = r.loop.listenerAddress(0);
      assert.throws(() => r.loop.connect(address), LoopscopeError);
      r.loop.close(client);
      const again = r.loop.connect(address);
      r.until('the connect', () => r.events.filter((e) => e === `connect ${again} 0`).length > 0);
    });

    it('leaves connections in the kernel queue while the table is full, and takes them later', () => {
      using r = new Recorder(create, { connectionLimit: 2 });
      const listener = r.loop.listen(LOOPBACK);
      const address = r.loop.listenerAddress(listener);
      const peers = Array.from({ length: 6 }, () => new RawPeer(address));
      const answered: string[] = [];
      r.onData = (conn, bytes, start, end) => {
        answered.push(Buffer.from(bytes.subarray(start, end)).toString());
        r.loop.close(conn);
      };
      r.turns(5);
      assert.equal(r.accepted.length, 2);
      assert.ok(r.loop.stats.shortageCount > 0);
      for (const [i, peer] of peers.entries()) peer.send(`p${i}`);
      r.until('all six', () => answered.length === 6);
      assert.deepEqual(answered.sort(), ['p0', 'p1', 'p2', 'p3', 'p4', 'p5']);
      for (const peer of peers) peer[Symbol.dispose]();
    });

    it('retries a Unix connect that met a full queue', () => {
      const path = join(directory, 'full.sock');
      const listenFd = openListener({ kind: 'unix', path }, { backlog: 1 });
      using r = new Recorder(create);
      const conns = Array.from({ length: 6 }, () => r.loop.connect({ kind: 'unix', path }));
      r.turns(3);
      const connected = () => r.events.filter((event) => /^connect \d+ 0$/.test(event)).length;
      assert.ok(connected() < conns.length, 'the queue holds them all');
      const taken: number[] = [];
      r.until('every connect', () => {
        const fd = acceptConnection(listenFd);
        if (fd >= 0) taken.push(fd);
        return connected() === conns.length;
      });
      for (const fd of [...taken, listenFd]) closeFd(fd);
    });

    it('calls no handler for a connection it closed, even within the same batch', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      const peers = Array.from({ length: 8 }, () => new RawPeer(r.loop.listenerAddress(listener)));
      r.until('eight', () => r.accepted.length === 8);
      for (const peer of peers) peer.send('now');
      // The first to speak closes all the others, whose data waits in the same batch.
      let spokenCount = 0;
      r.onData = (speaker) => {
        spokenCount++;
        for (const conn of r.accepted) if (conn !== speaker) r.loop.close(conn);
      };
      r.until('someone', () => spokenCount > 0);
      r.turns(5);
      assert.equal(spokenCount, 1);
      assert.equal(r.events.filter((event) => event.startsWith('close')).length, 0);
      assert.equal(r.loop.connectionCount, 1);
      for (const peer of peers) peer[Symbol.dispose]();
    });

    it('gives a slot to a new connection without the former one’s leftovers', () => {
      using r = new Recorder(create, { connectionLimit: 2 });
      const listenFd = openListener(LOOPBACK);
      const address = localAddress(listenFd);
      const taken: number[] = [];
      const acceptOne = () => {
        const fd = acceptConnection(listenFd);
        if (fd >= 0) taken.push(fd);
        return fd >= 0;
      };
      let conn = r.loop.connect(address);
      r.until('the first', () => r.events.at(-1) === `connect ${conn} 0` && acceptOne());
      const io = new StreamIo(1024);
      for (let round = 0; round < 50; round++) {
        // Data is on its way when the slot changes hands.
        io.receiveBuffer.fill(round);
        assert.equal(io.sendReceived(taken.at(-1)!, 10), 10);
        r.loop.close(conn);
        r.received.clear();
        const events = r.events.length;
        conn = r.loop.connect(address);
        r.until('the next', () => r.events.length > events && acceptOne());
        assert.equal(r.events.at(-1), `connect ${conn} 0`);
        assert.equal(r.receivedCount(conn), 0);
      }
      for (const fd of [...taken, listenFd]) closeFd(fd);
    });

    it('does not give a former connection’s data to one accepted into its slot within the same batch', () => {
      for (const address of [LOOPBACK, { kind: 'unix', path: join(directory, 'slot.sock') } as Address]) {
        using r = new Recorder(create, { connectionLimit: 4 });
        const listener = r.loop.listen(address);
        const target = r.loop.listenerAddress(listener);
        using first = new RawPeer(target);
        using second = new RawPeer(target);
        r.until('two', () => r.accepted.length === 2);
        // Whichever order the kernel tells of them in, the second is closed before its slot is taken again.
        let closed = false;
        const closeSecond = () => {
          if (!closed) r.loop.close(r.accepted[1]!);
          closed = true;
        };
        r.onAccept = closeSecond;
        r.onData = (conn, bytes, start) => {
          if (bytes[start] === 0x32) assert.equal(closed, false, `the second’s data came to ${conn}`);
          else closeSecond();
        };
        first.send('1');
        using third = new RawPeer(target);
        using fourth = new RawPeer(target);
        second.send('2');
        r.until('all four', () => r.accepted.length === 4);
        r.turns(3);
        assert.ok(r.accepted.lastIndexOf(r.accepted[1]!) > 1, 'the slot was taken again');
        assert.ok(third.fd !== fourth.fd);
      }
    });

    it('answers and closes in onAccept, more at once than the table holds', () => {
      using r = new Recorder(create, { connectionLimit: 2 });
      const listener = r.loop.listen(LOOPBACK);
      const address = r.loop.listenerAddress(listener);
      r.onAccept = (conn) => {
        assert.ok(r.loop.sendCopy(conn, Buffer.from('bye'), 0, 3));
        r.loop.close(conn);
      };
      const peers = Array.from({ length: 20 }, () => new RawPeer(address));
      r.until('all', () => r.accepted.length === peers.length);
      r.turns(3);
      for (const peer of peers) {
        let n = 0;
        r.until('its answer', () => (n = peer.receive()) > 0);
        assert.equal(peer.text(n), 'bye');
        peer[Symbol.dispose]();
      }
    });

    it('closes with sends under way, and lets the peer read what was taken', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      const memory = r.loop.allocateSendMemory(8 << 20);
      for (let round = 0; round < 10; round++) {
        using peer = new RawPeer(r.loop.listenerAddress(listener));
        r.until('accept', () => r.accepted.length === round + 1);
        const conn = r.accepted[round]!;
        for (let i = 0; i < 4; i++) assert.ok(r.loop.send(conn, memory, 0, memory.bytes.length));
        r.loop.sendCopy(conn, memory.bytes, 0, 5000);
        r.turns(2);
        r.loop.close(conn);
        assert.equal(r.loop.sendCopy(conn, memory.bytes, 0, 1), false, 'a closed connection takes nothing');
        let n = 0;
        let read = 0;
        r.until('the end', () => {
          for (n = peer.receive(); n > 0; n = peer.receive()) read += n;
          return n !== -ERRNO.EAGAIN;
        });
        assert.ok(read > 0, `round ${round}: the slot’s former connection still blocks it`);
        r.until('the slot', () => r.loop.connectionCount === 0);
      }
    });

    it('gives queued bytes one try on close', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      r.onData = (conn) => {
        for (const text of ['good', 'bye']) r.loop.sendCopy(conn, Buffer.from(text), 0, text.length);
        r.loop.send(conn, memory, 0, 1);
        r.loop.close(conn);
      };
      const memory = r.loop.allocateSendMemory(1);
      memory.bytes[0] = 0x21;
      r.until('accept', () => r.accepted.length === 1);
      peer.send('x');
      let n = 0;
      r.until('the last words', () => (n = peer.receive()) > 0);
      assert.equal(peer.text(n), 'goodbye!');
      r.until('the end', () => peer.receive() === 0);
    });

    it('end() delivers all that is queued, then closes when the peer does', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      const conn = r.accepted[0]!;
      const memory = r.loop.allocateSendMemory(16 << 20);
      assert.ok(r.loop.send(conn, memory, 0, memory.bytes.length));
      r.loop.end(conn);
      assert.equal(r.loop.send(conn, memory, 0, 1), false);
      peer.send('too late');
      let read = 0;
      let n = 0;
      r.until('the end', () => {
        for (n = peer.receive(); n > 0; n = peer.receive()) read += n;
        return n === 0;
      });
      assert.equal(read, memory.bytes.length);
      assert.equal(r.loop.connectionCount, 1);
      shutdownSocket(peer.fd, NO_MORE);
      r.until('the slot', () => r.loop.connectionCount === 0);
      assert.equal(r.receivedCount(conn), 0);
    });

    it('end() delivers all that is queued to a peer that stopped sending meanwhile', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      const memory = r.loop.allocateSendMemory(16 << 20);
      assert.ok(r.loop.send(r.accepted[0]!, memory, 0, memory.bytes.length));
      r.loop.end(r.accepted[0]!);
      r.turns(2);
      shutdownSocket(peer.fd, NO_MORE);
      r.turns(3);
      let read = 0;
      let n = 0;
      r.until('the end', () => {
        for (n = peer.receive(); n > 0; n = peer.receive()) read += n;
        return n === 0;
      });
      assert.equal(read, memory.bytes.length);
      r.until('the slot', () => r.loop.connectionCount === 0);
    });

    it('end() in onClose delivers all that is queued to a peer that only stopped sending', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      const memory = r.loop.allocateSendMemory(16 << 20);
      r.onData = (conn) => assert.ok(r.loop.send(conn, memory, 0, memory.bytes.length));
      r.onClose = (conn) => r.loop.end(conn);
      r.until('accept', () => r.accepted.length === 1);
      peer.send('question');
      shutdownSocket(peer.fd, NO_MORE);
      r.until('the close', () => r.events.includes(`close ${r.accepted[0]} 0`));
      assert.equal(r.loop.connectionCount, 1);
      const calls = r.loop.stats.waitCount;
      r.turns(3);
      assert.equal(r.loop.stats.waitCount, calls + 3);
      let read = 0;
      let n = 0;
      r.until('the end', () => {
        for (n = peer.receive(); n > 0; n = peer.receive()) read += n;
        return n === 0;
      });
      assert.equal(read, memory.bytes.length);
      assert.equal(r.loop.connectionCount, 0);
    });

    it('end() of a peer that never closes frees the slot after its linger', () => {
      let nowNs = 0;
      using r = new Recorder(create, { nowNs: () => (nowNs += 1000) });
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      r.loop.end(r.accepted[0]!);
      r.turns(3);
      assert.equal(peer.receive(), 0);
      assert.equal(r.loop.connectionCount, 1);
      nowNs += END_LINGER_NS;
      r.turns(2);
      assert.equal(r.loop.connectionCount, 0);
    });

    it('end() shuts down as soon as all is sent, though nothing else wakes the loop', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      r.onData = (conn) => {
        r.loop.sendCopy(conn, Buffer.from('bye'), 0, 3);
        r.loop.end(conn);
      };
      peer.send('x');
      r.until('data', () => r.received.size === 1);
      // One wait of this length would be one too many.
      r.waitNs = 20e9;
      r.turns(1);
      assert.equal(peer.text(peer.receive()), 'bye');
      assert.equal(peer.receive(), 0, 'the end of the stream');
    });

    it('end() waits for a peer that takes what is queued, and not for one that takes nothing', () => {
      let nowNs = 0;
      const patienceNs = 3 * END_LINGER_NS;
      using r = new Recorder(create, { nowNs: () => (nowNs += 1000), drainTimeoutNs: patienceNs });
      const listener = r.loop.listen(LOOPBACK);
      r.waitNs = 0;
      using slow = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      const memory = r.loop.allocateSendMemory(64 << 20);
      assert.ok(r.loop.send(r.accepted[0]!, memory, 0, memory.bytes.length));
      r.loop.end(r.accepted[0]!);
      let read = 0;
      for (let round = 0; round < 6; round++) {
        nowNs += END_LINGER_NS;
        r.turns(3);
        assert.equal(r.loop.connectionCount, 1, `round ${round}`);
        const stop = read + (3 << 20);
        r.until('some of it', () => {
          for (let n = slow.receive(); n > 0 && read < stop; n = slow.receive()) read += n;
          return read >= stop;
        });
      }
      for (let round = 0; round < 5; round++) {
        nowNs += END_LINGER_NS;
        r.turns(3);
      }
      assert.equal(r.loop.connectionCount, 0, 'given up');
    });

    it('has room for one piece more within onClose, however full the queue', () => {
      using r = new Recorder(create);
      const listener = r.loop.listen(LOOPBACK);
      using peer = new RawPeer(r.loop.listenerAddress(listener));
      r.until('accept', () => r.accepted.length === 1);
      const memory = r.loop.allocateSendMemory(1 << 20);
      let sent = 0;
      r.onTurn = () => {
        const conn = r.accepted[0]!;
        if (r.received.size === 0 || r.loop.connectionCount === 0) return;
        while (r.loop.send(conn, memory, 0, memory.bytes.length)) sent += memory.bytes.length;
      };
      r.onClose = (conn) => {
        assert.ok(r.loop.send(conn, memory, 0, 5));
        r.loop.end(conn);
      };
      peer.send('x');
      r.until('a full queue', () => sent > 0);
      shutdownSocket(peer.fd, NO_MORE);
      let read = 0;
      let n = 0;
      r.until('the end', () => {
        for (n = peer.receive(); n > 0; n = peer.receive()) read += n;
        return n === 0;
      });
      assert.equal(read, sent + 5);
      assert.equal(r.loop.connectionCount, 0);
    });

    it('sleeps no longer than onTurn allows, and polls when it says 0', () => {
      using r = new Recorder(create);
      r.turns(1);
      r.waitNs = 0;
      r.turns(1);
      const waits = r.loop.stats.waitCount;
      r.turns(10);
      assert.equal(r.loop.stats.waitCount, waits + 10);
      r.waitNs = 2e6;
      r.turns(1);
      for (let i = 0; i < 5; i++) {
        const beforeNs = r.turnAtNs;
        r.turns(1);
        assert.ok(r.turnAtNs - beforeNs >= 2e6, `waited ${r.turnAtNs - beforeNs} ns`);
      }
      assert.equal(r.loop.stats.spinNs, 0);
    });

    it('meets a near deadline by spinning, and sees data while it does', () => {
      using r = new Recorder(create, { spinNs: 1e9 });
      const { client, server } = r.pair();
      r.echo(server);
      r.waitNs = 3e6;
      r.turns(1);
      const beforeNs = r.turnAtNs;
      r.turns(1);
      assert.ok(r.turnAtNs - beforeNs >= 3e6);
      assert.ok(r.loop.stats.spinNs > 0);
      r.waitNs = 1e9;
      r.loop.sendCopy(client, Buffer.from('hello'), 0, 5);
      const turns = r.turnCount;
      r.until('the echo', () => r.receivedCount(client) === 5);
      assert.ok(r.turnCount - turns <= 6);
    });

    it('sleeps first and spins last, within one turn', () => {
      using r = new Recorder(create, { spinNs: 1e6 });
      r.waitNs = 4e6;
      r.turns(1);
      for (let i = 0; i < 3; i++) {
        const beforeNs = r.turnAtNs;
        r.turns(1);
        assert.ok(r.turnAtNs - beforeNs >= 4e6, `waited ${r.turnAtNs - beforeNs} ns`);
      }
    });

    it('wakes from an endless wait for data', () => {
      using r = new Recorder(create);
      const { client, server } = r.pair();
      r.echo(server);
      r.waitNs = Number.POSITIVE_INFINITY;
      r.turns(1);
      r.loop.sendCopy(client, Buffer.from('hello'), 0, 5);
      r.until('the echo', () => r.receivedCount(client) === 5);
    });

    it('hands every byte over in the same array', () => {
      using r = new Recorder(create);
      const { client, server } = r.pair();
      const arrays = new Set<Uint8Array>();
      r.onData = (_, bytes) => arrays.add(bytes);
      for (let i = 0; i < 50; i++) {
        r.loop.sendCopy(client, Buffer.alloc(3000, i), 0, 3000);
        r.turns(1);
      }
      r.until('all', () => r.receivedCount(server) === 150_000);
      assert.equal(arrays.size, 1);
    });

    it('refuses an address in use, and takes over a socket file nobody listens on', () => {
      const path = join(directory, 'stale.sock');
      closeFd(openListener({ kind: 'unix', path })); // A crash: the file stays.
      assert.ok(existsSync(path));
      {
        using r = new Recorder(create);
        r.loop.listen({ kind: 'unix', path });
        const error = catchError(() => r.loop.listen({ kind: 'unix', path }));
        assert.match(error.message, /EADDRINUSE/);
        assert.match(error.hint, /ss -ltnxp/);
        const tcp = r.loop.listenerAddress(r.loop.listen(LOOPBACK));
        assert.match(catchError(() => r.loop.listen(tcp)).message, /EADDRINUSE/);
      }
      assert.equal(existsSync(path), false, 'the socket file is removed');
    });

    it('frees its ports at once when disposed, with connections open', () => {
      for (let address of [LOOPBACK, { kind: 'unix', path: `@loopscope-${process.pid}` } as Address]) {
        for (let round = 0; round < 30; round++) {
          using r = new Recorder(create);
          address = r.loop.listenerAddress(r.loop.listen(address));
          const peers = Array.from({ length: 30 }, () => new RawPeer(address));
          r.until('accept', () => r.accepted.length === 30);
          for (const peer of peers) peer.send('unread');
          r.loop[Symbol.dispose]();
          closeFd(openListener(address));
          for (const peer of peers) {
            const n = peer.receive();
            assert.ok(n === 0 || n === -ERRNO.ECONNRESET, `the peer sees ${n}, not the end`);
            peer[Symbol.dispose]();
          }
        }
      }
    });
  });
}

function catchError(body: () => unknown): LoopscopeError {
  try {
    body();
  } catch (error) {
    assert.ok(error instanceof LoopscopeError);
    return error;
  }
  assert.fail('nothing was thrown');
}

/** Reads what there is, in at most so many calls; checks each byte against its place in the stream. */
function readChecked(peer: RawPeer, offset: number, callLimit = 1e6): number {
  let count = 0;
  for (let calls = 0; calls < callLimit; calls++) {
    const n = peer.receive();
    if (n <= 0) break;
    for (let i = 0; i < n; i++) {
      if (peer.byte(i) !== (offset + count + i) % 251) assert.fail(`byte ${offset + count + i} is wrong`);
    }
    count += n;
  }
  return count;
}
