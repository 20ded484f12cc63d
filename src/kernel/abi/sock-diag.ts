/**
 * include/uapi/linux/netlink.h, sock_diag.h, inet_diag.h and unix_diag.h. netlink(7), sock_diag(7). Since Linux 3.3;
 * the same numbers on x86-64 and arm64. Ports and addresses are in network order.
 */
import { bytes, layout, u8, u16, u32 } from './layout.ts';

export const AF_NETLINK = 16;
export const SOCK_RAW = 3;
export const NETLINK_SOCK_DIAG = 4;
export const SOCK_DIAG_BY_FAMILY = 20;
export const NLM_F_REQUEST = 1;
/** NLM_F_ROOT | NLM_F_MATCH: all sockets that fit. */
export const NLM_F_DUMP = 0x300;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** States: include/net/tcp_states.h. That of a listening socket is the same for TCP and Unix. */
export const TCP_TIME_WAIT = 6;
export const TCP_LISTEN = 10;

/** Asked for by bit number − 1 in `idiag_ext`: an array of u32, of which SK_MEMINFO_DROPS is the ninth. Since 3.6. */
export const INET_DIAG_SKMEMINFO = 7;
export const SK_MEMINFO_DROPS = 8;

export const UDIAG_SHOW_NAME = 0x1;
export const UDIAG_SHOW_RQLEN = 0x10;
export const UNIX_DIAG_NAME = 0;
/** Two u32: who waits to be accepted, and the backlog. */
export const UNIX_DIAG_RQLEN = 4;

/** struct nlmsghdr. 16 bytes. */
export const nlmsghdr = layout('nlmsghdr', 16, {
  nlmsg_len: u32(0),
  nlmsg_type: u16(4),
  nlmsg_flags: u16(6),
  nlmsg_seq: u32(8),
  nlmsg_pid: u32(12),
});

/** struct inet_diag_req_v2. 56 bytes. */
export const inet_diag_req_v2 = layout('inet_diag_req_v2', 56, {
  sdiag_family: u8(0),
  sdiag_protocol: u8(1),
  idiag_ext: u8(2),
  idiag_states: u32(4),
});

/** struct inet_diag_msg. 72 bytes. For a listener the queues are who waits to be accepted, and the backlog. */
export const inet_diag_msg = layout('inet_diag_msg', 72, {
  idiag_family: u8(0),
  idiag_state: u8(1),
  'id.idiag_sport': u16(4),
  'id.idiag_dport': u16(6),
  'id.idiag_src': bytes(8, 16),
  'id.idiag_dst': bytes(24, 16),
  idiag_rqueue: u32(56),
  idiag_wqueue: u32(60),
  idiag_inode: u32(68),
});

/** struct unix_diag_req. 24 bytes. */
export const unix_diag_req = layout('unix_diag_req', 24, {
  sdiag_family: u8(0),
  udiag_states: u32(4),
  udiag_show: u32(12),
});

/** struct unix_diag_msg. 16 bytes. */
export const unix_diag_msg = layout('unix_diag_msg', 16, {
  udiag_family: u8(0),
  udiag_state: u8(2),
  udiag_ino: u32(4),
});
