/**
 * include/uapi/asm-generic/socket.h, include/linux/socket.h, include/uapi/linux/{in,in6,un,tcp,uio}.h.
 * socket(7), ip(7), ipv6(7), unix(7), tcp(7). The same numbers on x86-64 and arm64.
 */
import { bytes, i32, layout, u8, u16, u32, u64 } from './layout.ts';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;

export const IPPROTO_IP = 0;
/** IP_BIND_ADDRESS_NO_PORT: bind(2) fixes the address only, connect(2) picks the port. Since 4.2. */
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_CORK = 3;
export const TCP_CONGESTION = 13;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;

export const MSG_DONTWAIT = 0x40;
export const MSG_WAITALL = 0x100;
export const MSG_NOSIGNAL = 0x4000;

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

/** struct sockaddr_in — ip(7). 16 bytes. Port and address in network order. */
export const sockaddr_in = layout('sockaddr_in', 16, {
  sin_family: u16(0),
  sin_port: u16(2),
  sin_addr: bytes(4, 4),
});

/** struct sockaddr_in6 — ipv6(7). 28 bytes. */
export const sockaddr_in6 = layout('sockaddr_in6', 28, {
  sin6_family: u16(0),
  sin6_port: u16(2),
  sin6_flowinfo: u32(4),
  sin6_addr: bytes(8, 16),
  sin6_scope_id: u32(24),
});

/** struct sockaddr_un — unix(7). 110 bytes. */
export const sockaddr_un = layout('sockaddr_un', 110, { sun_family: u16(0), sun_path: bytes(2, 108) });

/** struct linger — socket(7). 8 bytes. */
export const linger = layout('linger', 8, { l_onoff: i32(0), l_linger: i32(4) });

/** struct iovec — readv(2). 16 bytes. */
export const iovec = layout('iovec', 16, { iov_base: u64(0), iov_len: u64(8) });

/** struct user_msghdr (struct msghdr to user space) — sendmsg(2). 56 bytes. */
export const user_msghdr = layout('user_msghdr', 56, {
  msg_name: u64(0),
  msg_namelen: i32(8),
  msg_iov: u64(16),
  msg_iovlen: u64(24),
  msg_control: u64(32),
  msg_controllen: u64(40),
  msg_flags: u32(48),
});

/** tcp(7): what the kernel knows of a connection. */
export const TCP_INFO = 11;
/** include/uapi/linux/sockios.h; ioctl(2) for bytes written and not acknowledged, and (asm/ioctls.h) received and not read. */
export const SIOCOUTQ = 0x5411;
export const SIOCINQ = 0x541b;

/** include/net/tcp_states.h */
export const TCP_STATE = {
  ESTABLISHED: 1,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  CLOSING: 11,
} as const;

/** struct tcp_info — tcp(7); the fields read here since 4.19. The kernel writes as much as there is room for. */
export const tcp_info = layout(
  'tcp_info',
  216,
  {
    tcpi_state: u8(0),
    tcpi_unacked: u32(24),
    tcpi_bytes_acked: u64(120),
    tcpi_bytes_received: u64(128),
    tcpi_notsent_bytes: u32(144),
    tcpi_bytes_sent: u64(200),
    tcpi_bytes_retrans: u64(208),
  },
  { growing: true },
);
