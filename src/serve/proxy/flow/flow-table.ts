/**
 * What a proxy keeps for each connection of its loop, in typed arrays allocated once. A flow is named by its client's
 * connection; the upstream's connection is its peer.
 */
// Invariants
//  F1  peer[peer[c]] === c while a flow relays; peer of an attempt is the client it is made for.
//  F2  A slot is NONE exactly while the loop's slot is free, or ends without us (a refusal's last words).

export const NONE = 0;
/** A client that has not said yet where it wants to go. */
export const HEAD = 1;
/** A client that somebody checks: who he is, whether he may, where that is. */
export const CHECKED = 2;
/** A client whose upstream is being connected. */
export const DIALLING = 3;
/** A client whose bytes go to and fro. */
export const RELAYING = 4;
/** A connection to an upstream that is not there yet. */
export const ATTEMPT = 5;
/** The upstream's side of a flow. */
export const UPSTREAM = 6;
/** What is left of a flow whose other side broke: reset when what is queued for it is sent. */
export const LAST_WORDS = 7;

export const NO_PEER = -1;

export class FlowTable {
  readonly limit: number;
  readonly state: Uint8Array;
  readonly peer: Int32Array;
  /** Bytes that came on a connection since it relays, to be passed on. */
  readonly fromBytes: Float64Array;
  /** When bytes last came, or its state began. */
  readonly activeNs: Float64Array;
  /** 1 once the peer has ended its side. */
  readonly hasEnded: Uint8Array;
  /** 1 while nothing is received, for the other side does not take it. */
  readonly isStalled: Uint8Array;
  /** Of clients: their number among all, so that an answer that comes late is told from one for the slot's next. */
  readonly serial: Float64Array;
  readonly openedNs: Float64Array;
  readonly listener: Int32Array;
  readonly upstream: Int32Array;
  readonly account: Int32Array;
  /** Of clients: bytes that their upstream was sent before theirs. */
  readonly headerBytes: Int32Array;
  readonly user: string[];
  /** 1 for a client that the rules have let in: they are told when it goes. */
  readonly isAdmitted: Uint8Array;
  /** Bytes of all flows: up, then down. */
  readonly totalBytes = new Float64Array(2);
  /** Clients that are here. */
  clientCount = 0;
  /** No connection from here on was ever used. */
  end = 0;
  #lastSerial = 0;

  constructor(limit: number) {
    this.limit = limit;
    this.state = new Uint8Array(limit);
    this.peer = new Int32Array(limit).fill(NO_PEER);
    this.fromBytes = new Float64Array(limit);
    this.activeNs = new Float64Array(limit);
    this.hasEnded = new Uint8Array(limit);
    this.isStalled = new Uint8Array(limit);
    this.serial = new Float64Array(limit);
    this.openedNs = new Float64Array(limit);
    this.listener = new Int32Array(limit);
    this.upstream = new Int32Array(limit).fill(-1);
    this.account = new Int32Array(limit).fill(-1);
    this.headerBytes = new Int32Array(limit);
    this.isAdmitted = new Uint8Array(limit);
    this.user = Array<string>(limit).fill('');
  }

  openClient(conn: number, listener: number, nowNs: number): void {
    this.#open(conn, HEAD, nowNs);
    this.openedNs[conn] = nowNs;
    this.listener[conn] = listener;
    this.upstream[conn] = -1;
    this.account[conn] = -1;
    this.headerBytes[conn] = 0;
    this.user[conn] = '';
    this.isAdmitted[conn] = 0;
    this.serial[conn] = ++this.#lastSerial;
    this.clientCount++;
  }

  openAttempt(conn: number, client: number, nowNs: number): void {
    this.#open(conn, ATTEMPT, nowNs);
    this.peer[conn] = client;
  }

  /** The slot's connection is over, or no longer ours. */
  close(conn: number): void {
    const state = this.state[conn]!;
    if (state >= HEAD && state <= RELAYING) this.clientCount--;
    this.state[conn] = NONE;
    this.peer[conn] = NO_PEER;
  }

  isClient(conn: number): boolean {
    const state = this.state[conn]!;
    return state >= HEAD && state <= RELAYING;
  }

  #open(conn: number, state: number, nowNs: number): void {
    this.state[conn] = state;
    this.peer[conn] = NO_PEER;
    this.fromBytes[conn] = 0;
    this.activeNs[conn] = nowNs;
    this.hasEnded[conn] = 0;
    this.isStalled[conn] = 0;
    if (conn >= this.end) this.end = conn + 1;
  }
}
