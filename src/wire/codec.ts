/**
 * The seam for protocols. A codec writes requests and reads replies: bytes in, replies out, no sockets, no clock.
 * codec.contract.ts is the behaviour every one must show; registry.ts lists them. define-codec.ts is the simple way to
 * write one outside this room.
 *
 * A parser holds the state of all connections of a thread in tables made once, indexed by connection: nothing is
 * allocated per reply.
 */
export type Codec = {
  readonly name: string;
  /** One line for help and documents. */
  readonly summary: string;
  /** Replies come in the order of the requests, so that a connection may have several under way. */
  readonly pipelines: boolean;
  /** The bytes of one request, for which one reply is due. Throws USAGE naming the option at fault. */
  encodeRequest(request: RequestOptions): Uint8Array;
  createReplyParser(options: ParserOptions): ReplyParser;
};

/** What a request says; a codec reads the fields that its protocol has. */
export type RequestOptions = {
  method?: string;
  path?: string;
  host?: string;
  headers?: readonly (readonly [name: string, value: string])[];
  /** The payload: of a frame, an HTTP request, an echo; the text of a line, or of a command. */
  body?: Uint8Array;
  frame?: FrameFormat;
  /** HTTP: the request goes to a forward proxy. */
  forward?: ForwardOptions;
};

/** What a request to a forward proxy says besides. RFC 9112 §3.2.2 */
export type ForwardOptions = {
  /** What stands before the path: "http://host:port". */
  readonly origin: string;
  /** Of the Proxy-Authorization field: "Basic …"; null: there is none. */
  readonly authorization: string | null;
};

/** How a length-framed protocol writes a frame: [magic … length …] payload. frameFormat() makes one from parts. */
export type FrameFormat = {
  /** Width of the length field. */
  lengthBytes: 1 | 2 | 3 | 4 | 8;
  littleEndian: boolean;
  /** Bytes before the length field: the magic, and whatever else. */
  lengthOffset: number;
  /** Everything before the payload, the length field included. */
  headerBytes: number;
  /** What the length counts: the payload, also the header but for the length field itself, or the whole frame. */
  counts: 'payload' | 'payload+header' | 'everything';
  /** Added to that count when written, taken off it when read. May be negative. */
  adjustment: number;
  /** Hexadecimal. A reply must begin with it; requests do. */
  magic: string;
  /** Hexadecimal: the header that requests are sent with, from the frame's first byte on; the rest of it is zeros. */
  header: string;
  /** Longest payload of a reply. */
  maxPayloadBytes: number;
};

export type ParserOptions = {
  connectionLimit: number;
  /** Longest header block, in bytes; beyond it the peer is taken not to speak the protocol. */
  maxHeaderBytes?: number;
  /** Most header lines in one block, and most trailer lines after one chunked body. */
  maxHeaderCount?: number;
  /** Longest payload of one reply, in bytes, where the protocol announces it; a format's own limit when absent. */
  maxPayloadBytes?: number;
  /** Replies carry no body although their headers announce one: every request is HEAD. */
  headOnly?: boolean;
  frame?: FrameFormat;
  /** The request that replies answer, until expectRequest() names another. `echo` and checks of codecs read it. */
  request?: Uint8Array;
  /** How much of a reply's payload can be read as `body`. Default 0: nothing is kept, and it costs nothing. */
  captureBytes?: number;
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
  /** Before a reply begins: it has no body, whatever its headers say (HEAD). Holds for that one reply. */
  expectNoBody(conn: number): void;
  /**
   * Before a reply begins: the request it answers is bytes [start, end), which stay as they are until it has come.
   * Absent in protocols whose replies can be read without knowing the request.
   */
  expectRequest?(conn: number, bytes: Uint8Array, start: number, end: number): void;
  /**
   * Length of the last whole message's body, and the same with what frames it on the way: chunk sizes. Absent but in
   * HTTP.
   */
  readonly bodyBytes?: number;
  readonly bodyWireBytes?: number;
  /** First byte not consumed by the last feed(). */
  readonly next: number;
  /** HTTP status of the last reply; 0 in protocols without one. */
  readonly status: number;
  /**
   * Empty, or why the last whole message counts as a wrong reply by the protocol's own word: a Redis error's name, an
   * echo that differs. At most 64 different ones.
   */
  readonly wrongReason: string;
  /** Why the last result was bad: one of a few constant strings. */
  readonly problem: string;
  /**
   * The last whole message's payload, up to captureBytes: a view, made when asked for, valid until the next feed().
   * Empty when nothing is captured.
   */
  readonly body: Uint8Array;
  /** Its status line and headers as text, lines ended as they came; made when asked for. Empty but in HTTP. */
  readonly headerText: string;
};

export const PROBLEM = {
  notHttp: 'not HTTP',
  headersTooLong: 'headers too long',
  tooManyHeaders: 'too many headers',
  badLength: 'conflicting or malformed Content-Length',
  badChunk: 'malformed chunk',
  badFrame: 'frame length out of bounds',
  badMagic: 'wrong magic bytes',
  tooLong: 'reply too long',
  notResp: 'not RESP',
  truncated: 'truncated reply',
  unasked: 'bytes without a request',
  upgrade: 'unexpected upgrade',
} as const;

export const DEFAULT_MAX_HEADER_BYTES = 16_384;
export const DEFAULT_MAX_HEADER_COUNT = 256;

export const DEFAULT_FRAME_FORMAT: FrameFormat = Object.freeze({
  lengthBytes: 4,
  littleEndian: false,
  lengthOffset: 0,
  headerBytes: 4,
  counts: 'payload',
  adjustment: 0,
  magic: '',
  header: '',
  maxPayloadBytes: 16 * 1024 * 1024,
});
