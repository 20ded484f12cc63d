/** A TCP proxy on our own loop: what it is made of, and who is told what. */
// Invariants
//  P1  Every connection of the loop is in the flow table with a state, but for those that end by themselves (F2).
//  P2  Nothing is allocated per piece of data or per cycle here.
import { socketError } from '../../kernel/sockets.ts';
import type { LoopHandlers } from '../../loop/event-loop.ts';
import type { Turns } from '../accept/strategy.ts';
import { LoopServer } from '../loop-server.ts';
import { ROW, type Row } from '../workers/board.ts';
import { Arrivals } from './arrivals.ts';
import { FlowAccounts } from './flow/flow-accounts.ts';
import { ATTEMPT, FlowTable, HEAD, LAST_WORDS, NONE, RELAYING, UPSTREAM } from './flow/flow-table.ts';
import { Overdue } from './flow/overdue.ts';
import { type FlowEnd, Relay } from './flow/relay.ts';
import { createParts, type ProxyParts, type ProxyShared } from './parts.ts';
import { noProxyCounts, type ProxyCounts } from './proxy-counts.ts';
import type { ProxySettings } from './proxy-options.ts';
import { publishProxy } from './proxy-stats.ts';
import type { RuleCount } from './rules/rules.ts';
import { NO_UPSTREAM } from './upstreams/upstreams.ts';

/** Beyond two for each client: attempts that race, and connections that are on their way out. */
const SPARE_CONNECTIONS = 256;
/** One receive of a bulk transfer, and so much of it is queued in one piece. */
const PIECE_BYTES = 65_536;
const PIECES = 256;
/** While an answer is expected from Node's own loop, it gets its turn so often. */
const YIELD_NS = 1e6;
/** The time of connections that are open is counted so often. */
const FLUSH_NS = 250e6;

export class ProxyServer extends LoopServer {
  readonly counts: ProxyCounts = noProxyCounts();
  readonly #settings: ProxySettings;
  readonly #row: Row;
  readonly #parts: ProxyParts;
  readonly #table: FlowTable;
  readonly #relay: Relay;
  readonly #arrivals: Arrivals;
  readonly #overdue: Overdue;
  /** null: nobody keeps any. */
  readonly #accounts: FlowAccounts | null;
  #flushAtNs = 0;
  #isAccepting = true;

  constructor(settings: ProxySettings, row: Row, turns: Turns | null = null, shared: ProxyShared = {}) {
    const { backend, clientLimit, stopTimeoutNs, leaveTimeoutNs, idleTimeoutNs } = settings;
    const connectionLimit = clientLimit * 2 + SPARE_CONNECTIONS;
    super({
      backend,
      loop: { connectionLimit, relays: true, sendBlockBytes: PIECE_BYTES, drainTimeoutNs: idleTimeoutNs },
      sizes: { bufferBytes: PIECE_BYTES, bufferCount: PIECES },
      stopTimeoutNs,
      leaveTimeoutNs,
      turns,
    });
    this.#settings = settings;
    this.#row = row;
    this.#parts = createParts(settings, this.nowNs, shared);
    const [table, { loop, counts }, parts] = [new FlowTable(connectionLimit), this, this.#parts];
    this.#table = table;
    const accounts = parts.accounts && new FlowAccounts(parts.accounts, table, loop);
    this.#accounts = accounts;
    this.#relay = new Relay({
      loop,
      table,
      onClosing: (client, how) => accounts?.closing(client, how),
      onOver: (client, how, last) => this.#over(client, how, last),
      onLastWords: (conn) => accounts?.lastWords(conn, 'reset'),
    });
    const nowNs = () => this.turnNs;
    this.#arrivals = new Arrivals({ settings, parts, loop, table, relay: this.#relay, counts, nowNs });
    this.#overdue = new Overdue({
      ...settings,
      table,
      onLateHead: (client) => this.#arrivals.late(client),
      onIdle: (client) => {
        counts.timedOutCount++;
        this.#relay.cut(client);
      },
      onLateLastWords: (conn) => {
        accounts?.lastWords(conn, 'reset');
        table.close(conn);
        loop.reset(conn);
      },
      onFlow: (client) => this.#lookAt(client),
    });
  }

  /** What holds from now on, for connections to come; what it cannot change while it runs stays as it was. */
  change(settings: ProxySettings): void {
    this.#parts.rules.swap(settings.access);
  }

  ruleCounts(): RuleCount[] {
    return this.#parts.rules.counts();
  }

  hitCounts(): Record<string, number> {
    return {};
  }

  override [Symbol.dispose](): void {
    this.#accounts?.closeAll();
    this.#parts[Symbol.dispose]();
    super[Symbol.dispose]();
  }

  protected handlers(): Omit<LoopHandlers, 'onTurn' | 'onAccepted'> {
    return {
      onAccept: (conn, listener) => {
        this.#table.openClient(conn, listener, this.turnNs);
        this.#arrivals.accept(conn, this.#settings.listeners[listener]!);
      },
      onConnect: (conn, errno) => this.#arrivals.connected(conn, errno),
      onData: (conn, bytes, start, end) => {
        const state = this.#table.state[conn]!;
        if (state === RELAYING || state === UPSTREAM) this.#relay.data(conn, bytes, start, end, this.turnNs);
        else if (this.#table.isClient(conn)) this.#arrivals.data(conn, bytes, start, end);
      },
      onEnd: (conn) => {
        const state = this.#table.state[conn]!;
        if (state === RELAYING || state === UPSTREAM) this.#relay.ended(conn);
        else if (this.#table.isClient(conn)) this.#arrivals.ended(conn);
      },
      onRoom: (conn) => {
        if (this.#table.state[conn] !== NONE) this.#relay.room(conn);
      },
      onClose: (conn) => this.#closed(conn),
    };
  }

  protected work(nowNs: number, waitNs: number): number {
    let dueNs = Math.min(
      waitNs,
      this.#arrivals.turn(nowNs),
      this.#overdue.look(nowNs),
      this.#parts.upstreams.turn(nowNs),
    );
    if (this.#parts.accounts !== null && nowNs >= this.#flushAtNs) {
      this.#flushAtNs = nowNs + FLUSH_NS;
      this.#parts.accounts.flush();
    }
    if (this.#arrivals.pendingCount > 0) {
      this.untilNs = nowNs;
      dueNs = Math.min(dueNs, YIELD_NS);
    }
    if (this.turns === null && this.ending === null) this.#limitClients();
    return dueNs;
  }

  protected mayAccept(turns: Turns): boolean {
    return turns.mayAccept(this.#table.clientCount, this.#settings.clientLimit);
  }

  /** Nobody can be told: clients stay until they go. */
  protected leave(): void {}

  /** Those who have not said where they want to go will not be connected through. */
  protected endQuiet(): void {
    const { state, end } = this.#table;
    for (let conn = 0; conn < end; conn++) if (state[conn] === HEAD) this.#arrivals.late(conn);
  }

  protected publish(elapsedNs: number): void {
    publishProxy(this.#row, elapsedNs, this.loop.stats, this.counts, this.#table);
    if (this.turns !== null) this.#row[ROW.turnsTaken] = this.turns.turnCount;
  }

  #limitClients(): void {
    const isAccepting = this.#table.clientCount < this.#settings.clientLimit;
    if (isAccepting === this.#isAccepting) return;
    this.#isAccepting = isAccepting;
    for (const listener of this.listeners) this.loop.setAccepting(listener, isAccepting);
  }

  #closed(conn: number): void {
    const table = this.#table;
    const state = table.state[conn]!;
    if (state === RELAYING || state === UPSTREAM) this.#relay.failed(conn);
    else if (state === LAST_WORDS) {
      this.#accounts?.lastWords(conn, 'reset');
      table.close(conn);
    } else if (state !== NONE && state !== ATTEMPT) this.#arrivals.lost(conn);
  }

  /** A flow that relays, a few times a second. */
  #lookAt(client: number): void {
    if (this.#accounts?.live(client) === false) {
      this.#relay.cut(client);
      return;
    }
    const upstream = this.#table.peer[client]!;
    if (this.#isSecretlyBroken(client) || this.#isSecretlyBroken(upstream)) this.#relay.cut(client);
  }

  /** A side that nothing is received from may be gone without a word. */
  #isSecretlyBroken(conn: number): boolean {
    const isDeaf = this.#table.isStalled[conn] === 1 || this.#table.hasEnded[conn] === 1;
    return isDeaf && socketError(this.loop.socketOf(conn)) !== 0;
  }

  #over(client: number, how: FlowEnd, last: number): void {
    const table = this.#table;
    if (how === 'reset') this.counts.resetCount++;
    this.#accounts?.over(client, last);
    const picked = table.upstream[client]!;
    if (picked !== NO_UPSTREAM) this.#parts.upstreams.released(picked);
    if (table.isAdmitted[client] === 1) this.#parts.rules.left(table.user[client]!);
  }
}
