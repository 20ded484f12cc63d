/**
 * The seam for accounts: bytes each way, connections and seconds for each user and destination. The core tells of each
 * connection that was admitted; up is client to upstream, down is upstream to client.
 */

export type Accounts = {
  /** A connection begins. Returns its number here, reused after closed(); −1 when there are too many. `destination` is host:port or a path. */
  opened(user: string, destination: string): number;
  /** Bytes so far, several times a second for connections that moved any. False: the quota is used up, cut it. */
  live(account: number, upBytes: number, downBytes: number): boolean;
  /**
   * Right before the upstream's socket is closed: takes the kernel's count of it, which closed() then goes by. `readBytes`
   * were read from it, `headBytes` sent to it before the client's own (a PROXY header); `isReset`: closed by a reset.
   */
  settle(account: number, upstreamFd: number, readBytes: number, headBytes: number, isReset: boolean): void;
  /** The connection is over: all its bytes by the data path's own count. */
  closed(account: number, upBytes: number, downBytes: number): void;
  /** Whether the user may open another. */
  mayOpen(user: string): boolean;
  /** A few times a second: counts the time of connections that are open. Waits for nothing. */
  flush(): void;
  [Symbol.dispose](): void;
};
