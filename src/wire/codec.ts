/**
 * The seam for protocols. A codec writes requests and reads replies: bytes in, replies out, no sockets, no clock.
 * codec.contract.ts is the behaviour every one must show; registry.ts lists them.
 *
 * A parser holds the state of all connections of a thread in tables made once, indexed by connection: nothing is
 * allocated per reply.
 */
export type Codec = {
  readonly name: 'http1' | 'frame';
  /** One line for help and documents. */
  readonly summary: string;
  /** The bytes of one request. Throws USAGE naming the option at fault. */
  encodeRequest(request: RequestOptions): Uint8Array;
  createReplyParser(options: ParserOptions): ReplyParser;
};

/** What a request says; a codec reads the fields that its protocol has. */
export type RequestOptions = {
  method?: string;
  path?: string;
  host?: string;
  headers?: readonly (readonly [name: string, value: string])[];
  body?: Uint8Array;
  frame?: FrameFormat;
};

/** How a length-framed protocol writes a payload's length. Default: 4 bytes, big-endian, the payload alone counted. */
export type FrameFormat = {
  lengthBytes: 1 | 2 | 4;
  littleEndian: boolean;
  /** The length counts its own bytes too. */
  countsItself: boolean;
};

export type ParserOptions = {
  connectionLimit: number;
  /** Longest header block, in bytes; beyond it the peer is taken not to speak the protocol. */
  maxHeaderBytes?: number;
  /** Longest frame payload, in bytes. */
  maxPayloadBytes?: number;
  /** Replies carry no body although their headers announce one: the requests are HEAD. */
  headOnly?: boolean;
  frame?: FrameFormat;
};

/** What feed() and endOfStream() found. */
export const PARSED = {
  /** All bytes were taken; the message goes on. */
  more: 0,
  /** One whole message; `next` is the first byte after it. */
  message: 1,
  /** One whole message, after which the peer closes. */
  lastMessage: 2,
  /** Not the protocol; `problem` says what. The connection is of no further use. */
  bad: 3,
} as const;

export type Parsed = (typeof PARSED)[keyof typeof PARSED];

export type ReplyParser = {
  /**
   * Takes bytes [start, end) of a connection up to the end of one reply and sets `next`; call again with the rest.
   * Never throws, whatever the bytes.
   */
  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed;
  /** The peer closed: a body that ends by closing is complete (message), a reply cut short is bad, else more. */
  endOfStream(conn: number): Parsed;
  /** True when part of a reply has arrived. */
  midMessage(conn: number): boolean;
  /** Forgets a connection's state: its slot has a new connection. */
  reset(conn: number): void;
  /** First byte not consumed by the last feed(). */
  readonly next: number;
  /** HTTP status of the last reply; 0 in protocols without one. */
  readonly status: number;
  /** Why the last result was bad: one of a few constant strings. */
  readonly problem: string;
};

export const PROBLEM = {
  notHttp: 'not HTTP',
  headersTooLong: 'headers too long',
  badChunk: 'malformed chunk',
  badFrame: 'frame too long',
  truncated: 'truncated reply',
  unasked: 'bytes without a request',
  upgrade: 'unexpected upgrade',
} as const;

export const DEFAULT_FRAME_FORMAT: FrameFormat = { lengthBytes: 4, littleEndian: false, countsItself: false };
export const DEFAULT_MAX_HEADER_BYTES = 16_384;
export const DEFAULT_MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;
