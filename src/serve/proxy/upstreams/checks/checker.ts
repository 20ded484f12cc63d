/**
 * Checks the upstreams of the shared rows, on a loop of its own, and writes what it finds into them: one for all workers.
 */
// Invariants
//  K1  A connection is in #deadlines exactly while it checks, and there are mostUnderWay of them at most; every check begun ends once: good, bad, or forgotten because its upstream left.
//  K2  A turn begins a bounded number of checks, and says so when more are due.
import type { Address } from '../../../../base/address.ts';
import type { EventLoop, LoopHandlers, LoopOptions } from '../../../../loop/event-loop.ts';
import { KeyedHeap } from '../lists/keyed-heap.ts';
import { LogReader } from '../rows/change-log.ts';
import { ROW_STATE, STAT, type UpstreamRows } from '../rows/upstream-rows.ts';
import { addressOfName } from '../upstream-spec.ts';
import { BIN_NS, CheckBins } from './check-bins.ts';
import { type CheckKind, MOST_ANSWER_BYTES } from './check-kind.ts';
import { CheckSchedule } from './check-schedule.ts';
import type { CheckSettings } from './check-settings.ts';
import { CHECK_KINDS } from './registry.ts';
import { RiseFall } from './rise-fall.ts';

/** Connects begun in one cycle: about a millisecond of them. */
const MOST_BEGUN = 64;
const MOST_CHANGES = 256;
/** Slots for connections that are closing. */
const SPARE_CONNECTIONS = 64;
const NO_ROW = -1;

/** Nobody's connection: v1 "PROXY UNKNOWN", v2 LOCAL. haproxy's proxy-protocol.txt §2 */
const LOCAL_HEADER: Record<CheckSettings['proxyOut'], string> = {
  none: '',
  v1: 'PROXY UNKNOWN\r\n',
  v2: '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0',
};

export type CheckerOptions = {
  rows: UpstreamRows;
  settings: CheckSettings;
  nowNs: () => number;
  createLoop(options: LoopOptions): EventLoop;
};

export class Checker {
  readonly #rows: UpstreamRows;
  readonly #settings: CheckSettings;
  readonly #kind: CheckKind;
  readonly #schedule: CheckSchedule;
  readonly #riseFall: RiseFall;
  readonly #changes: LogReader;
  readonly #bins = new CheckBins();
  readonly loop: EventLoop;

  readonly #versions: Int32Array;
  readonly #addresses: (Address | null)[];
  /** Of a connection: the row it checks and its version, and the answer so far. */
  readonly #rowOf: Int32Array;
  readonly #versionOf: Int32Array;
  readonly #answers: Uint8Array;
  readonly #answerBytes: Uint8Array;
  /** Connections under way, by when their time is over. */
  readonly #deadlines: KeyedHeap;
  readonly #counts = { begun: 0, failed: 0, capped: 0, shortages: 0 };

  constructor({ rows, settings, nowNs, createLoop }: CheckerOptions) {
    this.#rows = rows;
    this.#settings = settings;
    this.#kind = CHECK_KINDS.find(({ name }) => name === settings.kind)!;
    const limit = rows.rowCount;
    this.#schedule = new CheckSchedule({ ...settings, limit });
    this.#riseFall = new RiseFall(limit, settings.rise, settings.fall);
    this.#changes = new LogReader(rows.changes, limit);
    this.#versions = new Int32Array(limit);
    this.#addresses = new Array<Address | null>(limit).fill(null);
    const connectionLimit = settings.mostUnderWay + SPARE_CONNECTIONS;
    this.#rowOf = new Int32Array(connectionLimit).fill(NO_ROW);
    this.#versionOf = new Int32Array(connectionLimit);
    this.#answers = new Uint8Array(connectionLimit * MOST_ANSWER_BYTES);
    this.#answerBytes = new Uint8Array(connectionLimit);
    this.#deadlines = new KeyedHeap(connectionLimit);
    this.loop = createLoop({ connectionLimit, handlers: this.#handlers(), nowNs });
  }

  [Symbol.dispose](): void {
    this.loop[Symbol.dispose]();
  }

  #handlers(): LoopHandlers {
    return {
      onConnect: (conn, errno) => {
        if (errno !== 0) this.#end(conn, false);
        else this.#ask(conn);
      },
      onAccept() {},
      onData: (conn, bytes, start, end) => this.#hear(conn, bytes, start, end),
      onClose: (conn) => this.#end(conn, false),
      onTurn: (nowNs) => this.#turn(nowNs),
    };
  }

  #turn(nowNs: number): number {
    let changesLeft = MOST_CHANGES;
    while (changesLeft > 0 && this.#changes.isBehind) {
      this.#follow(this.#changes.next(), nowNs);
      changesLeft--;
    }
    this.#giveUp(nowNs);
    const begun = this.#beginDue(nowNs);
    if (this.#bins.look(nowNs, begun)) this.#publish();
    if (changesLeft === 0 || begun === MOST_BEGUN) return 0;
    // With no room left, an end of one of those under way, or the time of the oldest, is what is waited for.
    const nextNs = this.#hasRoom ? this.#schedule.nextNs : Number.POSITIVE_INFINITY;
    const lookNs = (Math.floor(nowNs / BIN_NS) + 1) * BIN_NS;
    return Math.max(0, Math.min(nextNs, this.#deadlines.lowestKey, lookNs) - nowNs);
  }

  #beginDue(nowNs: number): number {
    let begun = 0;
    while (begun < MOST_BEGUN && this.#hasRoom) {
      const row = this.#schedule.take(nowNs);
      if (row < 0) break;
      if (this.#begin(row, nowNs)) begun++;
    }
    if (!this.#hasRoom && this.#schedule.nextNs <= nowNs) this.#counts.capped++;
    return begun;
  }

  get #hasRoom(): boolean {
    return this.#deadlines.length < this.#settings.mostUnderWay;
  }

  #follow(row: number, nowNs: number): void {
    const version = this.#rows.version(row);
    const isListed = (version & 1) === 0 && this.#rows.state(row) !== ROW_STATE.free;
    const known = this.#versions[row]!;
    if (isListed && known === version) return;
    if (known !== 0) {
      this.#versions[row] = 0;
      this.#addresses[row] = null;
      this.#schedule.remove(row);
      this.#riseFall.forget(row);
    }
    if (!isListed) return;
    this.#versions[row] = version;
    this.#schedule.add(row, this.#rows.nameHash(row), nowNs);
  }

  #begin(row: number, nowNs: number): boolean {
    const version = this.#versions[row]!;
    const address = (this.#addresses[row] ??= this.#addressOf(row, version));
    if (address === null) return false;
    let conn: number;
    try {
      conn = this.loop.connect(address);
    } catch {
      // No descriptor or port left, here: that says nothing of the upstream.
      this.#counts.shortages++;
      return false;
    }
    this.#rowOf[conn] = row;
    this.#versionOf[conn] = version;
    this.#answerBytes[conn] = 0;
    this.#deadlines.set(conn, nowNs + this.#settings.timeoutNs);
    this.#counts.begun++;
    return true;
  }

  #addressOf(row: number, version: number): Address | null {
    const name = this.#rows.name(row, version);
    return name === null ? null : addressOfName(name);
  }

  #ask(conn: number): void {
    const row = this.#rowOf[conn]!;
    const { path, expectedStatus, proxyOut } = this.#settings;
    const name = this.#rows.name(row, this.#versionOf[conn]!) ?? 'localhost';
    const host = name.startsWith('unix:') ? 'localhost' : name;
    const request = this.#kind.request({ host, path, expectedStatus });
    const header = LOCAL_HEADER[proxyOut];
    if (header !== '') this.#send(conn, Buffer.from(header, 'latin1'));
    if (request === null) this.#end(conn, true);
    else this.#send(conn, request);
  }

  #send(conn: number, bytes: Uint8Array): void {
    this.loop.sendCopy(conn, bytes, 0, bytes.length);
  }

  #hear(conn: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#rowOf[conn] === NO_ROW) return;
    const had = this.#answerBytes[conn]!;
    const taken = Math.min(end - start, MOST_ANSWER_BYTES - had);
    const at = conn * MOST_ANSWER_BYTES;
    for (let i = 0; i < taken; i++) this.#answers[at + had + i] = bytes[start + i]!;
    this.#answerBytes[conn] = had + taken;
    const said = this.#kind.judge(this.#answers.subarray(at, at + had + taken), {
      host: '',
      ...this.#settings,
    });
    if (said !== 'more') this.#end(conn, said === 'good');
  }

  /** Those that have had their time. */
  #giveUp(nowNs: number): void {
    while (this.#deadlines.lowestKey <= nowNs) this.#end(this.#deadlines.lowest, false);
  }

  #end(conn: number, isGood: boolean): void {
    const row = this.#rowOf[conn]!;
    if (row === NO_ROW) return;
    this.#rowOf[conn] = NO_ROW;
    this.#deadlines.remove(conn);
    // A check leaves nothing behind at either end: no TIME_WAIT of thousands a second.
    this.loop.reset(conn);
    const version = this.#versionOf[conn]!;
    if (this.#versions[row] !== version) return;
    if (!isGood) this.#counts.failed++;
    if (this.#riseFall.result(row, isGood)) this.#rows.judge(row, version, this.#riseFall.healthOf(row));
  }

  #publish(): void {
    const { stats } = this.#rows;
    stats[STAT.checked] = this.#schedule.length;
    stats[STAT.begun] = this.#counts.begun;
    stats[STAT.failed] = this.#counts.failed;
    stats[STAT.missed] = this.#schedule.missedCount;
    stats[STAT.capped] = this.#counts.capped;
    stats[STAT.shortages] = this.#counts.shortages;
    stats[STAT.underWay] = this.#deadlines.length;
    stats[STAT.binMean] = this.#bins.mean;
    stats[STAT.binMost] = this.#bins.most;
    stats[STAT.dispersion] = this.#bins.dispersion;
  }
}
