/**
 * The seam between our event loop and what runs on it (drive, serve). Two back ends implement it: ring (io_uring)
 * and epoll. event-loop.contract.ts is the behaviour both must show.
 *
 * A connection is a small integer, an index into the loop's fixed tables, reused after its close has been reported.
 */
import type { Address } from '../base/address.ts';
import type { ListenOptions as SocketListenOptions } from '../kernel/sockets.ts';

/**
 * What the owner of a loop is told. All calls come from within turn(), on the loop's own thread; none may block.
 * Handlers may call any method of the loop but turn() and dispose.
 */
export type LoopHandlers = {
  /**
   * A connect() of ours finished: errno 0, or why not. After an error the slot is free when the call returns;
   * onClose is not called.
   */
  onConnect(conn: number, errno: number): void;
  /** A listener brought a connection. */
  onAccept(conn: number, listener: number): void;
  /**
   * Bytes [start, end) of `bytes` arrived. They belong to the loop again when the call returns: copy what you keep.
   * `bytes` is always the same array, so that it can be kept in a constant.
   */
  onData(conn: number, bytes: Uint8Array, start: number, end: number): void;
  /**
   * Orderly end by the peer (errno 0) or an error. Bytes queued within this call or before it are still offered to
   * the kernel once, and the slot is free after the call; but with end(conn) within it, all of them are sent first. There
   * is room for one piece then, however full the queue.
   * Not called for our own close() or end(). Of a loop that relays, an orderly end comes by onEnd.
   */
  onClose(conn: number, errno: number): void;
  /** Of a loop that relays: the peer has ended its side, after its last bytes. What is sent to it still arrives. */
  onEnd?(conn: number): void;
  /** No more is pending than askRoom() said: once for each asking. */
  onRoom?(conn: number): void;
  /**
   * Once a cycle, after its events and before the wait: do what is due. Returns how long the wait may last, in ns:
   * 0 polls, Infinity waits for events only.
   */
  onTurn(nowNs: number): number;
  /**
   * Once a cycle, when connections were accepted as far as they will be in it and before any bytes of it are handed
   * over. An owner that gives this has accepting come first. epoll only: a ring has accepted before it tells.
   */
  onAccepted?(): void;
};

export type LoopOptions = {
  /** Most connections at once; the tables are allocated once. */
  connectionLimit: number;
  handlers: LoopHandlers;
  /** ns since run start; the loop's only clock. */
  nowNs: () => number;
  /** Deadlines nearer than this are met by spinning: 0 (the default) never spins, Infinity never sleeps. */
  spinNs?: number;
  /** Keep stats.waitNs: two more readings of the clock a cycle. */
  measuresWaits?: boolean;
  /** After end(): how long a peer may take nothing of what is queued for it. END_LINGER_NS, and not less. */
  drainTimeoutNs?: number;
  /**
   * For an owner that passes on what it receives. Connections begin without receiving, until setReceiving(); an end by the
   * peer comes by onEnd, and leaves the connection open; and one of them has at most one receive under way: after
   * setReceiving(false) no more than one receive buffer still comes.
   */
  relays?: boolean;
  /** sendCopy() copies into blocks of so many bytes; 4096 unless said otherwise. */
  sendBlockBytes?: number;
};

/** How a loop accepts from a listener. */
export type AcceptOptions = {
  /**
   * EPOLLEXCLUSIVE: of several loops that watch one listener the kernel wakes one, not all (epoll only; a ring's accept
   * is exclusive by itself). epoll_ctl(2), since 4.5
   */
  exclusive?: boolean;
  /** Most connections taken in one cycle, so that accepting never starves those who are here. 64; epoll only. */
  acceptLimit?: number;
};

export type ListenOptions = SocketListenOptions & AcceptOptions;

export type ConnectOptions = {
  /** Local IP literal to connect from; TCP only. */
  sourceAddress?: string;
  /** TCP_NODELAY; true unless said otherwise. */
  noDelay?: boolean;
};

export type EventLoop = {
  readonly backend: 'ring' | 'epoll';
  /** Slots taken, including connections still closing. Below connectionLimit, connect() finds a slot. */
  readonly connectionCount: number;
  /** Listeners that may still bring connections: also those that were stopped and are on their way out. */
  readonly listenerCount: number;
  /**
   * A fixed piece of send memory of the loop's own, for bytes sent again and again without a copy. Contents may be
   * changed only while no send from it is under way.
   */
  allocateSendMemory(byteLength: number): SendMemory;
  /**
   * Starts a connect; the outcome comes by onConnect, within a later turn. Throws when the table is full or no socket
   * can be made. Hosts are IP literals or localhost.
   */
  connect(address: Address, options?: ConnectOptions): number;
  /** Throws SYSCALL or PERMISSION with a hint (address in use, permission). */
  listen(address: Address, options?: ListenOptions): number;
  /**
   * Accepts from a listening socket that was opened elsewhere, for a process that inherited it. The descriptor is closed
   * with the loop; a socket file stays, for it belongs to who made it.
   */
  adopt(fd: number, address: Address, options?: AcceptOptions): number;
  /** Stops and resumes accepting; meanwhile connections wait in the kernel's queue. Connections on their way still come. */
  setAccepting(listener: number, accepting: boolean): void;
  /**
   * Stops listening for good: connections that wait are still taken, as far as there is room, then the descriptor is
   * closed, and a socket file of our own removed. (Of several loops on one listener, the kernel may have told this one
   * alone that somebody waits.)
   */
  stopListening(listener: number): void;
  /** The port or path a listener really has (port 0 asks the kernel for a free one). */
  listenerAddress(listener: number): Address;
  /**
   * Queues bytes of send memory; partial writes are finished by the loop. In order per connection. False, and nothing
   * queued, when the connection is not open or its queue is full (SEND_QUEUE_DEPTH pieces).
   */
  send(conn: number, memory: SendMemory, start: number, end: number): boolean;
  /**
   * Copies and queues bytes; for replies and small one-off writes. False, and nothing queued, when the connection is
   * not open or its queue is full.
   */
  sendCopy(conn: number, bytes: Uint8Array, start: number, end: number): boolean;
  /** Of a loop that relays: whether the connection's bytes are wanted. */
  setReceiving(conn: number, receiving: boolean): void;
  /** onRoom comes, in a later turn or this one's end, when at most so many bytes are pending. */
  askRoom(conn: number, pendingBytes: number): void;
  /** Ends our side once queued bytes are sent: the peer may still send. Nothing can be sent after it. */
  shutdown(conn: number): void;
  /** Closes so that the peer sees an error: of TCP a reset. Queued bytes are dropped. */
  reset(conn: number): void;
  /** The socket of a connection, to ask the kernel about it; not to be changed or kept. */
  socketOf(conn: number): number;
  /** Bytes queued and not yet known to be taken by the kernel; what one turn sends is known in the next. */
  pendingSendBytes(conn: number): number;
  /** Closes; no handler is called for this connection again. Queued bytes get one try and are dropped. */
  close(conn: number): void;
  /**
   * Closes once queued bytes are sent and the peer has closed its side, or END_LINGER_NS after they were sent; or when the
   * peer has taken none of them for LoopOptions.drainTimeoutNs. What still arrives is discarded. No handler is called for
   * this connection again.
   */
  end(conn: number): void;
  /** One cycle: submit, wait, handle, onTurn. */
  turn(): void;
  readonly stats: LoopStats;
  /** Closes every descriptor, unmaps every ring, removes Unix socket files it bound. Idempotent. */
  [Symbol.dispose](): void;
};

/** Most pieces queued on one connection, and one more within onClose; sendCopy joins small pieces. */
export const SEND_QUEUE_DEPTH = 31;

/** How long end() waits for the peer to close its side; and how often it looks whether the peer takes what is queued. */
export const END_LINGER_NS = 2e9;

export type SendMemory = { readonly bytes: Uint8Array; readonly address: bigint };

/** Counters since the loop began; plain fields so that reading them costs nothing. */
export type LoopStats = {
  /** Calls that could block, or polled: the number of cycles. */
  waitCount: number;
  /** Completions or ready descriptors handled. */
  eventCount: number;
  systemCallCount: number;
  spinNs: number;
  /** Bytes that the kernel took; of a connection that is closed, only what was known by then. */
  sentBytes: number;
  acceptCount: number;
  /** accept(2) found nobody waiting (EAGAIN), whatever came before it in the cycle. epoll only. */
  acceptEmptyCount: number;
  /** Of these, the first accept of a cycle: woken for nothing. */
  acceptInVainCount: number;
  /** Polls (waits of no length) that brought nothing. */
  peekCount: number;
  /** Time spent in waits, if LoopOptions.measuresWaits. */
  waitNs: number;
  /** Times a bounded resource ran out and work was put off (buffer ring empty, submission queue full, CQ overflow). */
  shortageCount: number;
};

export function emptyStats(): LoopStats {
  const stats = {
    waitCount: 0,
    eventCount: 0,
    systemCallCount: 0,
    spinNs: Number.NaN,
    sentBytes: Number.NaN,
    acceptCount: 0,
    acceptEmptyCount: 0,
    acceptInVainCount: 0,
    peekCount: 0,
    waitNs: Number.NaN,
    shortageCount: 0,
  };
  // Doubles from the start: a field that turned into one later would make V8 throw compiled code away.
  stats.spinNs = 0;
  stats.sentBytes = 0;
  stats.waitNs = 0;
  return stats;
}
