/**
 * An event-loop server on our own loop, for demonstrations and tests: one thread, one loop, any number of listeners,
 * and faults planted on purpose. It takes over the calling thread: run it in a process of its own.
 */
import { type Address, formatAddress } from '../base/address.ts';
import { createClock } from '../base/clock.ts';
import { LoopscopeError } from '../base/errors.ts';
import { NS_PER_MS } from '../base/units.ts';
import { setParentDeathSignal } from '../kernel/process.ts';
import type { EventLoop, ListenOptions, LoopHandlers } from '../loop/event-loop.ts';
import { createLoop } from '../loop/registry.ts';
import { type FaultSchedule, plantFaults } from './faults/schedule.ts';
import type { FaultSpec } from './faults/spec.ts';
import type { Responder } from './protocols/protocol.ts';
import { SERVER_PROTOCOLS } from './protocols/registry.ts';

export type ServeOptions = {
  protocol: 'http' | 'frame';
  listen: readonly Address[];
  faults?: readonly FaultSpec[];
  backend?: 'auto' | EventLoop['backend'];
  connectionLimit?: number;
  /** What every good request is answered with; "hello\n" when absent. */
  replyBody?: Uint8Array;
  maxHeaderBytes?: number;
  maxBodyBytes?: number;
  listenOptions?: ListenOptions;
  /** End when this process, our parent, does. */
  parentPid?: number;
  /** Stops the server in good order. */
  signal: AbortSignal;
  /** Called once, when every listener is open. */
  onReady?(ready: ServeReady): void;
};

export type ServeReady = { pid: number; backend: EventLoop['backend']; addresses: Address[] };

export type ServeSummary = {
  requestCount: number;
  badCount: number;
  slowReaderCount: number;
  acceptCount: number;
  /** Hits of each planted fault, by its text. */
  faultHits: Record<string, number>;
};

const DEFAULT_CONNECTION_LIMIT = 4096;
const DEFAULT_MAX_HEADER_BYTES = 16_384;
const DEFAULT_MAX_BODY_BYTES = 1 << 20;
const SIGTERM = 15;
/**
 * Node delivers signals from its own loop, which runs only when ours lets it: this often. It bounds both how late a
 * signal is seen and how long our wait is asked to last.
 */
const YIELD_EVERY_NS = 50 * NS_PER_MS;
/** How long requests under way may still take after the signal. */
const DRAIN_NS = 1000 * NS_PER_MS;
/** With replies that could not be queued, the next try. */
const RETRY_NS = NS_PER_MS;

/** Serves until `signal` aborts, then answers what is under way, closes, and removes its socket files. */
export async function serve(options: ServeOptions): Promise<ServeSummary> {
  if (options.parentPid !== undefined) dieWithParent(options.parentPid);
  using faults = plantFaults(options.faults ?? []);
  using server = new Server(options, faults);
  options.onReady?.(server.open(options));
  while (!options.signal.aborted) {
    server.runFor(YIELD_EVERY_NS);
    await nextNodeTurn();
  }
  server.drain(DRAIN_NS);
  return server.summary();
}

/** Lets Node's own loop run once: that is where signals arrive. */
function nextNodeTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function dieWithParent(parentPid: number): void {
  if (!setParentDeathSignal(SIGTERM, parentPid)) {
    throw new LoopscopeError('PROCESS_EXITED', `the parent process ${parentPid} has ended already`);
  }
}

class Server {
  readonly #loop: EventLoop;
  readonly #responder: Responder;
  readonly #faults: FaultSchedule;
  readonly #open: Uint8Array;
  readonly #nowNs = createClock().nowNs;
  #untilNs = 0;
  #draining = false;

  constructor(options: ServeOptions, faults: FaultSchedule) {
    const connectionLimit = options.connectionLimit ?? DEFAULT_CONNECTION_LIMIT;
    this.#faults = faults;
    this.#open = new Uint8Array(connectionLimit);
    const loopOptions = { connectionLimit, handlers: this.#handlers(), nowNs: this.#nowNs };
    this.#loop = createLoop(loopOptions, options.backend ?? 'auto');
    const protocol = SERVER_PROTOCOLS.find(({ name }) => name === options.protocol)!;
    this.#responder = protocol.createResponder({
      loop: this.#loop,
      connectionLimit,
      replyBody: options.replyBody ?? new TextEncoder().encode('hello\n'),
      maxHeaderBytes: options.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES,
      maxBodyBytes: options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
      onRequest: () => faults.onRequest(),
    });
  }

  /** Opens every listener, or none. */
  open({ listen, listenOptions }: ServeOptions): ServeReady {
    const addresses = listen.map((address) =>
      this.#loop.listenerAddress(this.#loop.listen(address, listenOptions)),
    );
    return { pid: process.pid, backend: this.#loop.backend, addresses };
  }

  /** Cycles until so much time has passed. */
  runFor(ns: number): void {
    this.#untilNs = this.#nowNs() + ns;
    while (this.#nowNs() < this.#untilNs) this.#loop.turn();
  }

  /** Answers what is under way and closes the rest, within so much time. */
  drain(ns: number): void {
    this.#draining = true;
    const giveUpAtNs = this.#nowNs() + ns;
    while (this.#loop.connectionCount > 0 && this.#nowNs() < giveUpAtNs) {
      for (let conn = 0; conn < this.#open.length; conn++) {
        if (this.#open[conn] === 1 && !this.#responder.isBusy(conn)) {
          this.#open[conn] = 0;
          this.#loop.end(conn);
        }
      }
      this.#untilNs = Math.min(giveUpAtNs, this.#nowNs() + 10 * NS_PER_MS);
      this.#loop.turn();
    }
  }

  summary(): ServeSummary {
    return {
      ...this.#responder.counts,
      acceptCount: this.#loop.stats.acceptCount,
      faultHits: this.#faults.hitCounts(),
    };
  }

  [Symbol.dispose](): void {
    this.#loop[Symbol.dispose]();
  }

  #handlers(): LoopHandlers {
    return {
      onConnect() {},
      onAccept: (conn) => {
        if (this.#draining) {
          this.#loop.close(conn);
          return;
        }
        this.#open[conn] = 1;
        this.#responder.open(conn);
      },
      onData: (conn, bytes, start, end) => this.#responder.data(conn, bytes, start, end),
      onClose: (conn) => {
        this.#open[conn] = 0;
        this.#responder.closed(conn);
      },
      onTurn: (nowNs) => {
        const leftNs = Math.max(0, this.#untilNs - nowNs);
        return this.#responder.turn() ? Math.min(leftNs, RETRY_NS) : leftNs;
      },
    };
  }
}

/** "listening on http://127.0.0.1:8080/ (pid 12, epoll)", or the same as one line of JSON. */
export function formatReady(ready: ServeReady, protocol: ServeOptions['protocol'], json: boolean): string {
  const targets = ready.addresses.map((address) => targetText(address, protocol));
  if (json) return JSON.stringify({ ready: true, pid: ready.pid, backend: ready.backend, targets });
  return `listening on ${targets.join(', ')} (pid ${ready.pid}, ${ready.backend})`;
}

/** As the load commands take it. */
export function targetText(address: Address, protocol: ServeOptions['protocol']): string {
  if (address.kind === 'unix')
    return protocol === 'http' ? `unix+http:${address.path}` : `unix:${address.path}`;
  return protocol === 'http' ? `http://${formatAddress(address)}/` : `tcp://${formatAddress(address)}`;
}
