/**
 * Listening sockets of this network namespace, by sock_diag(7): who waits on them to be accepted, how many may, and how
 * many were turned away. The kernel walks its listeners only, so a host with 50 000 sockets in TIME_WAIT costs nothing
 * more. No privileges are needed.
 */
import { trimEndOf } from '../base/ends.ts';
import { pack, unpack } from './abi/layout.ts';
import {
  AF_NETLINK,
  INET_DIAG_SKMEMINFO,
  inet_diag_msg,
  inet_diag_req_v2,
  NETLINK_SOCK_DIAG,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  nlmsghdr,
  SK_MEMINFO_DROPS,
  SOCK_DIAG_BY_FAMILY,
  SOCK_RAW,
  TCP_LISTEN,
  TCP_TIME_WAIT,
  UDIAG_SHOW_NAME,
  UDIAG_SHOW_RQLEN,
  UNIX_DIAG_NAME,
  UNIX_DIAG_RQLEN,
  unix_diag_msg,
  unix_diag_req,
} from './abi/sock-diag.ts';
import { AF_INET, AF_INET6, AF_UNIX, IPPROTO_TCP, SOCK_CLOEXEC } from './abi/socket.ts';
import { __NR_recvfrom, __NR_sendto, __NR_socket } from './abi/syscall-numbers.ts';
import { offHeap, syscall } from './libc.ts';
import { closeFd } from './sockets.ts';

export type ListeningSocket = {
  transport: 'tcp' | 'unix';
  /** "127.0.0.1:80", "[::]:80", a path, or "@name" in the abstract namespace. */
  address: string;
  /** Number of its inode in sockfs, as in the link "socket:[N]" of /proc/PID/fd. */
  inode: number;
  /** Connections that wait to be accepted. */
  waiting: number;
  /** As many may: listen(2)'s backlog, capped by net.core.somaxconn. The kernel lets in one more. */
  backlog: number;
  /** Connections turned away since it listens; null where the kernel does not count (Unix sockets). */
  dropped: number | null;
};

export type SockDiag = {
  /** All listeners of these families now; some tens of µs. Null: the kernel does not tell. */
  listeners(transports: { tcp: boolean; unix: boolean }): ListeningSocket[] | null;
  /**
   * Sockets in TIME_WAIT whose other end is one of these, "127.0.0.1:80" or "[::1]:80". The kernel walks all that are
   * connected or were: some ms for tens of thousands. Null: it does not tell.
   */
  timeWaitTo(peers: ReadonlySet<string>): number | null;
  [Symbol.dispose](): void;
};

const REPLY_BYTES = 64 * 1024;
/** A dump of listeners that does not end is not one. */
const REPLIES_MOST = 1000;

/** Null where netlink's sock_diag cannot be had. */
export function openSockDiag(): SockDiag | null {
  const fd = syscall(__NR_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return null;
  const reply = offHeap(REPLY_BYTES);
  const tcp4 = inetRequest(AF_INET);
  const tcp6 = inetRequest(AF_INET6);
  const unix = unixRequest();
  const timeWait = [inetRequest(AF_INET, TCP_TIME_WAIT), inetRequest(AF_INET6, TCP_TIME_WAIT)];
  return {
    listeners(transports) {
      const found: ListeningSocket[] = [];
      const requests = [...(transports.tcp ? [tcp4, tcp6] : []), ...(transports.unix ? [unix] : [])];
      const take = (datagram: Uint8Array) => readMessages(datagram, found);
      for (const request of requests) if (!dump(fd, request, reply, take)) return null;
      return found;
    },
    timeWaitTo(peers) {
      let count = 0;
      const take = (datagram: Uint8Array) =>
        eachMessage(datagram, (message) => {
          if (peers.has(peerOf(message) ?? '')) count++;
        });
      for (const request of timeWait) if (!dump(fd, request, reply, take)) return null;
      return count;
    },
    [Symbol.dispose]: () => closeFd(fd),
  };
}

function header(payloadBytes: number): Uint8Array {
  const request = offHeap(nlmsghdr.byteLength + payloadBytes);
  pack(request, nlmsghdr, {
    nlmsg_len: request.byteLength,
    nlmsg_type: SOCK_DIAG_BY_FAMILY,
    nlmsg_flags: NLM_F_REQUEST | NLM_F_DUMP,
  });
  return request;
}

function inetRequest(family: number, state = TCP_LISTEN): Uint8Array {
  const request = header(inet_diag_req_v2.byteLength);
  const values = {
    sdiag_family: family,
    sdiag_protocol: IPPROTO_TCP,
    idiag_ext: 1 << (INET_DIAG_SKMEMINFO - 1),
    idiag_states: 1 << state,
  };
  pack(request, inet_diag_req_v2, values, nlmsghdr.byteLength);
  return request;
}

function unixRequest(): Uint8Array {
  const request = header(unix_diag_req.byteLength);
  const values = {
    sdiag_family: AF_UNIX,
    udiag_states: 1 << TCP_LISTEN,
    udiag_show: UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN,
  };
  pack(request, unix_diag_req, values, nlmsghdr.byteLength);
  return request;
}

type Progress = 'more' | 'done' | 'error';

/** Sends a request and reads the datagrams of its answer. False: refused, or cut short. */
function dump(
  fd: number,
  request: Uint8Array,
  reply: Uint8Array,
  take: (datagram: Uint8Array) => Progress,
): boolean {
  // A netlink socket answers within the call: nothing is waited for.
  if (syscall(__NR_sendto, fd, request, request.byteLength, 0, null, 0) < 0) return false;
  for (let i = 0; i < REPLIES_MOST; i++) {
    const length = syscall(__NR_recvfrom, fd, reply, reply.byteLength, 0, null, null);
    if (length <= 0) return false;
    const end = take(reply.subarray(0, length));
    if (end !== 'more') return end === 'done';
  }
  return false;
}

/** One datagram of netlink messages. 'done' and 'error' end the dump. */
export function readMessages(datagram: Uint8Array, into: ListeningSocket[]): Progress {
  return eachMessage(datagram, (message) => {
    const socket = readSocket(message);
    if (socket) into.push(socket);
  });
}

function eachMessage(datagram: Uint8Array, take: (message: Uint8Array) => void): Progress {
  for (let at = 0; at + nlmsghdr.byteLength <= datagram.byteLength; ) {
    const length = unpack(datagram, nlmsghdr, 'nlmsg_len', at);
    const type = unpack(datagram, nlmsghdr, 'nlmsg_type', at);
    if (length < nlmsghdr.byteLength || at + length > datagram.byteLength) return 'error';
    if (type === NLMSG_DONE) return 'done';
    if (type === NLMSG_ERROR) return 'error';
    if (type === SOCK_DIAG_BY_FAMILY) {
      take(datagram.subarray(at + nlmsghdr.byteLength, at + length));
    }
    at += align(length);
  }
  return 'more';
}

function readSocket(message: Uint8Array): ListeningSocket | null {
  const family = message[0];
  if (family === AF_UNIX) return message.byteLength < unix_diag_msg.byteLength ? null : readUnix(message);
  if (family !== AF_INET && family !== AF_INET6) return null;
  return message.byteLength < inet_diag_msg.byteLength ? null : readInet(message, family);
}

function readInet(message: Uint8Array, family: number): ListeningSocket {
  const memory = attributes(message.subarray(inet_diag_msg.byteLength)).get(INET_DIAG_SKMEMINFO);
  const drops = memory && memory.byteLength >= (SK_MEMINFO_DROPS + 1) * 4;
  return {
    transport: 'tcp',
    address: endpoint(message, family, inet_diag_msg.at['id.idiag_sport'], inet_diag_msg.at['id.idiag_src']),
    inode: unpack(message, inet_diag_msg, 'idiag_inode'),
    waiting: unpack(message, inet_diag_msg, 'idiag_rqueue'),
    backlog: unpack(message, inet_diag_msg, 'idiag_wqueue'),
    dropped: drops ? u32At(memory, SK_MEMINFO_DROPS * 4) : null,
  };
}

/** The other end of a connection; null for what is none. */
function peerOf(message: Uint8Array): string | null {
  const family = message[0]!;
  if (message.byteLength < inet_diag_msg.byteLength || (family !== AF_INET && family !== AF_INET6))
    return null;
  return endpoint(message, family, inet_diag_msg.at['id.idiag_dport'], inet_diag_msg.at['id.idiag_dst']);
}

/** "127.0.0.1:80" or "[::1]:80", of a port and an address that lie at these offsets. */
function endpoint(message: Uint8Array, family: number, portAt: number, addressAt: number): string {
  const port = (message[portAt]! << 8) | message[portAt + 1]!;
  const address = message.subarray(addressAt, addressAt + 16);
  return `${family === AF_INET ? [...address.subarray(0, 4)].join('.') : ipv6(address)}:${port}`;
}

function readUnix(message: Uint8Array): ListeningSocket | null {
  const found = attributes(message.subarray(unix_diag_msg.byteLength));
  const queue = found.get(UNIX_DIAG_RQLEN);
  if (!queue || queue.byteLength < 8) return null;
  const name = found.get(UNIX_DIAG_NAME) ?? new Uint8Array();
  const isAbstract = name[0] === 0;
  const text = trimEndOf(new TextDecoder().decode(isAbstract ? name.subarray(1) : name), '\0');
  return {
    transport: 'unix',
    address: isAbstract ? `@${text}` : text,
    inode: unpack(message, unix_diag_msg, 'udiag_ino'),
    waiting: u32At(queue, 0),
    backlog: u32At(queue, 4),
    dropped: null,
  };
}

/** struct rtattr: u16 length with its own four bytes, u16 type, then the value; aligned to 4. rtnetlink(7) */
function attributes(area: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= area.byteLength; ) {
    const length = area[at]! | (area[at + 1]! << 8);
    if (length < 4 || at + length > area.byteLength) break;
    found.set(area[at + 2]! | (area[at + 3]! << 8), area.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

/** RFC 5952 as far as listeners need it: "[::]" for any address, else all groups with the longest run of zeros cut. */
function ipv6(source: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((source[2 * i]! << 8) | source[2 * i + 1]!).toString(16),
  );
  const runs = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run);
  const longest = runs.sort((a, b) => b.length - a.length)[0];
  if (longest === undefined) return `[${groups.join(':')}]`;
  const shortened = groups.join(':').replace(longest, '::').replace(':::', '::');
  return `[${shortened}]`;
}

function u32At(area: Uint8Array, offset: number): number {
  return new DataView(area.buffer, area.byteOffset, area.byteLength).getUint32(offset, true);
}

function align(length: number): number {
  return (length + 3) & ~3;
}
