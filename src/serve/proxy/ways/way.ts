/**
 * The seam for ways in: how a client says where it wants to go. A way is pure: bytes so far in, one step out; no sockets,
 * no clock. The core keeps the bytes, drops what a step consumed, and asks again while some are left or when more come.
 */

/** An end of a connection. IPv4 in IPv6 is given as IPv4. `port` is 0, and host a path or '', for Unix sockets. */
export type Endpoint = { host: string; port: number };

export type Credentials = { name: string; password: Uint8Array };

/** Why a client that asked properly does not get what it asked for. */
export type Refusal =
  /** No or wrong credentials. */
  | 'not-authenticated'
  /** No rule allows it, or its quota or its number of connections is used up. */
  | 'not-allowed'
  /** The name has no address. */
  | 'no-such-host'
  | 'connect-refused'
  | 'unreachable'
  | 'timed-out'
  /** No upstream can be had. */
  | 'no-upstream'
  | 'internal';

export type WayStep =
  /** What is here is not enough. */
  | { kind: 'more' }
  /** Say `reply` (which may be empty), drop `consumed` bytes, and go on. */
  | { kind: 'say'; consumed: number; reply: Uint8Array }
  /** PROXY protocol: who the client really is, and where it went; null for LOCAL and UNKNOWN: what the socket says. */
  | { kind: 'source'; consumed: number; source: Endpoint | null; destination: Endpoint | null }
  /**
   * Somebody says who he is, before he says where to: checked, then `accepted` is said and the talk goes on, or `refused`
   * is said and the connection ended.
   */
  | { kind: 'who'; consumed: number; credentials: Credentials; accepted: Uint8Array; refused: Uint8Array }
  | Wanted
  /** Not this protocol, or a limit was met: `reply` is said, and the connection ended. */
  | { kind: 'wrong'; reason: string; reply: Uint8Array };

export type Wanted = {
  kind: 'wants';
  /** The head; bytes behind it are the first ones for the upstream. 0 when the head itself is passed on (SNI). */
  consumed: number;
  /** null: whatever upstream is next. */
  destination: Endpoint | null;
  credentials: Credentials | null;
  /** Server name of a ClientHello. */
  sni: string | null;
  /** What to say when the upstream is connected; it was reached from `local`, our end of that connection. */
  established(local: Endpoint): Uint8Array;
  refused(why: Refusal): Uint8Array;
};

/** What one client has said so far, as far as it must be remembered between steps. */
export type WayTalk = {
  /** Bytes [start, end) are all that are here and not consumed; they are the core's: copy what is kept. May be empty. */
  step(bytes: Uint8Array, start: number, end: number): WayStep;
};

export type WayLimits = {
  /** Longest head, in bytes. */
  headBytes: number;
  /** Whether a client must say who he is: a way that can ask for it then does. */
  asksWho: boolean;
};

export type Way = {
  /** As in `--in NAME` and in a configuration. */
  readonly name: 'tcp' | 'connect' | 'socks5' | 'sni';
  /** One line for help and documents. */
  readonly summary: string;
  /** Whether the client speaks first, so that its bytes are waited for. Without it no talk is begun. */
  readonly speaksFirst: boolean;
  begin(limits: WayLimits): WayTalk;
};
