/** Non-blocking stream sockets over TCP (IPv4, IPv6) and Unix paths. socket(7), ip(7), ipv6(7), unix(7). */
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { type Address, formatAddress } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { pack } from './abi/layout.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  linger,
  SO_ERROR,
  SO_LINGER,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_CONGESTION,
  TCP_CORK,
  TCP_NODELAY,
} from './abi/socket.ts';
import {
  __NR_accept4,
  __NR_bind,
  __NR_close,
  __NR_connect,
  __NR_getpeername,
  __NR_getsockname,
  __NR_getsockopt,
  __NR_listen,
  __NR_setsockopt,
  __NR_shutdown,
  __NR_socket,
} from './abi/syscall-numbers.ts';
import { decodeAddress, encodeAddress, familyOf } from './address.ts';
import { ERRNO } from './errno.ts';
import { addressOf, big, errnoCell, fastSyscall, offHeap, syscall } from './libc.ts';
import { syscallError } from './syscall-error.ts';

const NR_ACCEPT4 = BigInt(__NR_accept4);
const NR_CLOSE = BigInt(__NR_close);
const NR_SHUTDOWN = BigInt(__NR_shutdown);
const NR_SETSOCKOPT = BigInt(__NR_setsockopt);
const ACCEPT_FLAGS = BigInt(SOCK_NONBLOCK | SOCK_CLOEXEC);

const optionValue = offHeap(16);
const optionLength = offHeap(4);
const one = offHeap(4);
one[0] = 1;
const oneAddress = addressOf(one);
const peerAddress = offHeap(128);

/** A non-blocking, close-on-exec stream socket. Throws SYSCALL. */
export function openSocket(family: number): number {
  const protocol = 0;
  const fd = syscall(__NR_socket, family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) throw syscallError('socket', -fd);
  return fd;
}

/** close(2); never throws: after a close the descriptor is gone whatever the result. */
export function closeFd(fd: number): void {
  fastSyscall(NR_CLOSE, big(fd), 0n, 0n, 0n, 0n);
}

/** shutdown(2) with SHUT_RD, SHUT_WR or SHUT_RDWR; a connection that is already gone is not an error. */
export function shutdownSocket(fd: number, how: number): void {
  fastSyscall(NR_SHUTDOWN, big(fd), big(how), 0n, 0n, 0n);
}

/** Turns Nagle's algorithm off; on a Unix socket it does nothing. */
export function setNoDelay(fd: number): void {
  fastSyscall(NR_SETSOCKOPT, big(fd), big(IPPROTO_TCP), big(TCP_NODELAY), oneAddress, 4n);
}

/** Sets an integer option; throws SYSCALL naming it. */
export function setIntOption(fd: number, level: number, option: number, value: number, name: string): void {
  new DataView(optionValue.buffer).setInt32(0, value, true);
  const result = syscall(__NR_setsockopt, fd, level, option, optionValue, 4);
  if (result < 0) throw syscallError('setsockopt', -result, name);
}

/** Makes close(2) send a reset and drop what is unsent: SO_LINGER of zero, socket(7). */
export function setResetOnClose(fd: number): void {
  pack(optionValue, linger, { l_onoff: 1, l_linger: 0 });
  syscall(__NR_setsockopt, fd, SOL_SOCKET, SO_LINGER, optionValue, linger.byteLength);
}

/** SO_ERROR: the pending error of a socket (and clears it); 0 when there is none. */
export function socketError(fd: number): number {
  const value = new DataView(optionValue.buffer);
  value.setInt32(0, 0, true);
  new DataView(optionLength.buffer).setUint32(0, 4, true);
  const result = syscall(__NR_getsockopt, fd, SOL_SOCKET, SO_ERROR, optionValue, optionLength);
  return result < 0 ? -result : value.getInt32(0, true);
}

/** The local address of a socket: the real port after a bind to port 0. Throws SYSCALL. */
export function localAddress(fd: number): Address {
  new DataView(optionLength.buffer).setUint32(0, peerAddress.byteLength, true);
  const result = syscall(__NR_getsockname, fd, peerAddress, optionLength);
  if (result < 0) throw syscallError('getsockname', -result);
  return decodeAddress(peerAddress, new DataView(optionLength.buffer).getUint32(0, true));
}

/** The address of the other end; null when the connection is gone already. */
export function peerAddressOf(fd: number): Address | null {
  new DataView(optionLength.buffer).setUint32(0, peerAddress.byteLength, true);
  const result = syscall(__NR_getpeername, fd, peerAddress, optionLength);
  return result < 0 ? null : decodeAddress(peerAddress, new DataView(optionLength.buffer).getUint32(0, true));
}

/** accept4(2), non-blocking. The new descriptor, or −errno (−EAGAIN when nobody waits). Allocates nothing. */
export function acceptConnection(listenFd: number): number {
  const fd = fastSyscall(NR_ACCEPT4, big(listenFd), 0n, 0n, ACCEPT_FLAGS, 0n);
  return fd < 0 ? -errnoCell[0]! : fd;
}

export type ConnectOptions = {
  /** Local IP literal to connect from; TCP only. */
  sourceAddress?: string;
  /** TCP_NODELAY; true unless said otherwise. */
  noDelay?: boolean;
};

const RENO = offHeap(4);
RENO.set([0x72, 0x65, 0x6e, 0x6f]);

/**
 * Nothing is lost or queued on the loopback, so congestion control decides nothing there; but a system's default of BBR
 * models bandwidth at every acknowledgement, 3 % of a busy client's CPU. Reno is always there, and allowed. tcp(7)
 */
function setCheapCongestionControl(fd: number): void {
  syscall(__NR_setsockopt, fd, IPPROTO_TCP, TCP_CONGESTION, RENO, RENO.byteLength);
}

function isLoopback(address: Address): boolean {
  return address.kind === 'tcp' && (address.host.startsWith('127.') || address.host === '::1');
}

/** A socket ready for `startConnect`. Throws SYSCALL (no descriptor left, source address not ours). */
export function openClientSocket(address: Address, options: ConnectOptions = {}): number {
  const family = familyOf(address);
  const fd = openSocket(family);
  try {
    if (family !== AF_UNIX && options.noDelay !== false) setNoDelay(fd);
    if (isLoopback(address)) setCheapCongestionControl(fd);
    if (family !== AF_UNIX && options.sourceAddress !== undefined)
      bindSource(fd, family, options.sourceAddress);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}

/**
 * Starts a non-blocking connect(2). 0: connected; −EINPROGRESS: wait for POLLOUT, then ask `socketError`; −EAGAIN
 * (Unix sockets only): the listener's queue is full and nothing tells when it is not, so call again later.
 */
export function startConnect(fd: number, sockaddr: Uint8Array): number {
  return syscall(__NR_connect, fd, sockaddr, sockaddr.byteLength);
}

/**
 * When TCP sends a segment that is not full. nodelay: at once. delay: when all before it is acknowledged (Nagle).
 * cork: after 200 ms, unless it fills. tcp(7)
 */
export type TcpSending = 'nodelay' | 'delay' | 'cork';

export type ListenOptions = {
  /** Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn. 511 unless said otherwise. */
  backlog?: number;
  reusePort?: boolean;
  /** Permission bits of the socket file. Unix paths only. */
  unixMode?: number;
  /** Owner of the socket file; −1 leaves one as it is. Unix paths only. */
  unixOwner?: { uid: number; gid: number };
  /** Handed down to accepted connections; nodelay unless said otherwise. TCP only. */
  tcpSending?: TcpSending;
};

/**
 * A non-blocking listening socket. A Unix path left behind by a process that is gone (connecting to it is refused) is
 * removed and taken over. Throws SYSCALL or PERMISSION with what to try.
 */
export function openListener(address: Address, options: ListenOptions = {}): number {
  const family = familyOf(address);
  const sockaddr = encodeAddress(address);
  const fd = openSocket(family);
  try {
    if (family !== AF_UNIX) {
      setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, 'SO_REUSEADDR');
      if (options.reusePort) setIntOption(fd, SOL_SOCKET, SO_REUSEPORT, 1, 'SO_REUSEPORT');
      // The kernel hands these down to accepted sockets: one call here instead of one for each connection.
      const { tcpSending = 'nodelay' } = options;
      if (tcpSending === 'nodelay') setNoDelay(fd);
      if (tcpSending === 'cork') setIntOption(fd, IPPROTO_TCP, TCP_CORK, 1, 'TCP_CORK');
    }
    if (family === AF_INET6) setIntOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, 'IPV6_V6ONLY');
    let bound = syscall(__NR_bind, fd, sockaddr, sockaddr.byteLength);
    if (bound === -ERRNO.EADDRINUSE && address.kind === 'unix' && removeStaleSocket(address.path, sockaddr)) {
      bound = syscall(__NR_bind, fd, sockaddr, sockaddr.byteLength);
    }
    if (bound === -ERRNO.EADDRINUSE && address.kind === 'unix') refuseOtherFile(address.path);
    if (bound < 0) throw syscallError('bind', -bound, formatAddress(address));
    // Before listen(2) nobody can connect, so there is no moment with the wrong owner or mode.
    if (address.kind === 'unix') setFileAccess(address.path, options);
    const listening = syscall(__NR_listen, fd, options.backlog ?? 511);
    if (listening < 0) throw syscallError('listen', -listening, formatAddress(address));
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}

/** Which file a socket path names now: another server may have taken the path over since. '' when there is none. */
export function socketFileIdentity(path: string): string {
  if (path.startsWith('@')) return '';
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isSocket() ? `${stat.dev}:${stat.ino}` : '';
}

/**
 * Removes the file of a Unix socket this process listened on; one that is already gone is not an error. With
 * `identity` only if the path still names that file.
 */
export function unlinkSocketPath(path: string, identity?: string): void {
  if (path.startsWith('@')) return;
  try {
    const found = socketFileIdentity(path);
    if (found !== '' && (identity === undefined || identity === found)) unlinkSync(path);
  } catch {
    // Gone already, or the directory is: nothing is left behind either way.
  }
}

/** The kernel takes a killed process's io_uring apart in the background; until then its listener still answers. */
const DYING_LISTENER_MS = 500;
const LOOK_AGAIN_MS = 20;

/** True when the path was a socket nobody listens on, and is now removed. */
function removeStaleSocket(path: string, sockaddr: Uint8Array): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isSocket()) return false;
  const giveUpAtMs = performance.now() + DYING_LISTENER_MS;
  while (!isRefused(sockaddr)) {
    if (performance.now() > giveUpAtMs) return false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
  }
  unlinkSync(path);
  return true;
}

function refuseOtherFile(path: string): void {
  const stat = path.startsWith('@') ? undefined : lstatSync(path, { throwIfNoEntry: false });
  if (!stat || stat.isSocket()) return;
  throw new LoopscopeError(
    'SYSCALL',
    `cannot listen on unix:${path}: a file that is no socket is there`,
    'choose another path, or move the file away',
  );
}

function isRefused(sockaddr: Uint8Array): boolean {
  const probe = openSocket(AF_UNIX);
  const result = startConnect(probe, sockaddr);
  closeFd(probe);
  return result === -ERRNO.ECONNREFUSED;
}

function setFileAccess(path: string, { unixMode, unixOwner }: ListenOptions): void {
  if (path.startsWith('@')) return;
  try {
    if (unixOwner) chownSync(path, unixOwner.uid, unixOwner.gid);
    if (unixMode !== undefined) chmodSync(path, unixMode);
  } catch (error) {
    unlinkSocketPath(path);
    const { errno = 0, syscall: call = 'chown' } = error as NodeJS.ErrnoException;
    throw syscallError(call, Math.abs(errno), path);
  }
}

function bindSource(fd: number, family: number, host: string): void {
  const source: Address = { kind: 'tcp', host, port: 0 };
  if (familyOf(source) !== family) throw syscallError('bind', ERRNO.EAFNOSUPPORT, host);
  if (family === AF_INET) {
    setIntOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, 'IP_BIND_ADDRESS_NO_PORT');
  }
  const sockaddr = encodeAddress(source);
  const result = syscall(__NR_bind, fd, sockaddr, sockaddr.byteLength);
  if (result < 0) throw syscallError('bind', -result, host);
}
