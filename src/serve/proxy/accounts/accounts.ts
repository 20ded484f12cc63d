/**
 * The seam for accounts: bytes each way, connections and seconds for each user and destination. The core tells of each
 * connection that was admitted; up is client to upstream, down is upstream to client.
 */

export type Accounts = {
  /** A connection begins. Returns its number here, reused after closed(). `destination` is host:port or a path. */
  opened(user: string, destination: string): number;
  /** Bytes so far, several times a second for connections that moved any. False: the quota is used up, cut it. */
  live(account: number, upBytes: number, downBytes: number): boolean;
  /**
   * Right before the upstream's socket is closed, if it was connected: takes the kernel's count of it, which closed() then
   * goes by. The bytes are as for live(); `headBytes` were sent to the upstream before the client's own (a PROXY header).
   */
  settle(account: number, upstreamFd: number, upBytes: number, downBytes: number, headBytes: number): void;
  /** The connection is over: all its bytes, exactly, and how long it was open. */
  closed(account: number, upBytes: number, downBytes: number, openNs: number): void;
  /** Whether the user may open another. */
  mayOpen(user: string): boolean;
  /** Once a second or so, and at the end: writes out. Does not block the loop for longer than a millisecond or so. */
  flush(): void;
  [Symbol.dispose](): void;
};
