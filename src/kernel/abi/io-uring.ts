/** include/uapi/linux/io_uring.h. io_uring(7), io_uring_setup(2), io_uring_enter(2), io_uring_register(2). */
import { i32, layout, u8, u16, u32, u64 } from './layout.ts';

export const IORING_OFF_SQ_RING = 0;
export const IORING_OFF_SQES = 0x10000000;

/** Setup flags, with the kernel that brought them. */
export const IORING_SETUP_CQSIZE = 1 << 3; // 5.5
export const IORING_SETUP_CLAMP = 1 << 4; // 5.6
export const IORING_SETUP_SUBMIT_ALL = 1 << 7; // 5.18
export const IORING_SETUP_COOP_TASKRUN = 1 << 8; // 5.19
export const IORING_SETUP_TASKRUN_FLAG = 1 << 9; // 5.19
export const IORING_SETUP_SINGLE_ISSUER = 1 << 12; // 6.0
export const IORING_SETUP_DEFER_TASKRUN = 1 << 13; // 6.1

export const IORING_FEAT_SINGLE_MMAP = 1 << 0;
export const IORING_FEAT_NODROP = 1 << 1;
export const IORING_FEAT_CQE_SKIP = 1 << 11;

export const IORING_ENTER_GETEVENTS = 1 << 0;

/** sq_ring flags. */
export const IORING_SQ_CQ_OVERFLOW = 1 << 1;
export const IORING_SQ_TASKRUN = 1 << 2;

export const IORING_REGISTER_FILES_UPDATE = 6;
export const IORING_REGISTER_PROBE = 8;
export const IORING_REGISTER_FILES2 = 13;
export const IORING_REGISTER_PBUF_RING = 22;
export const IORING_RSRC_REGISTER_SPARSE = 1 << 0;
export const IO_URING_OP_SUPPORTED = 1 << 0;

export const IORING_OP_NOP = 0;
export const IORING_OP_POLL_ADD = 6;
export const IORING_OP_SENDMSG = 9;
export const IORING_OP_TIMEOUT = 11;
export const IORING_OP_ACCEPT = 13;
export const IORING_OP_ASYNC_CANCEL = 14;
export const IORING_OP_CLOSE = 19;
export const IORING_OP_SEND = 26;
export const IORING_OP_RECV = 27;
export const IORING_OP_SHUTDOWN = 34;
/** Not used, but brought by Linux 6.0 together with multishot receive: its presence tells of the other's. */
export const IORING_OP_SEND_ZC = 47;

export const IOSQE_FIXED_FILE = 1 << 0;
export const IOSQE_IO_LINK = 1 << 2;
export const IOSQE_BUFFER_SELECT = 1 << 5;
export const IOSQE_CQE_SKIP_SUCCESS = 1 << 6;

export const IORING_RECVSEND_POLL_FIRST = 1 << 0;
export const IORING_RECV_MULTISHOT = 1 << 1;
export const IORING_ACCEPT_MULTISHOT = 1 << 0;

export const IORING_ASYNC_CANCEL_ALL = 1 << 0;
export const IORING_ASYNC_CANCEL_FD = 1 << 1;
export const IORING_ASYNC_CANCEL_ANY = 1 << 2;

export const IORING_CQE_F_BUFFER = 1 << 0;
export const IORING_CQE_F_MORE = 1 << 1;
export const IORING_CQE_F_SOCK_NONEMPTY = 1 << 2;
export const IORING_CQE_BUFFER_SHIFT = 16;

/** struct io_uring_sqe — io_uring_enter(2), since 5.1. 64 bytes (128 with SETUP_SQE128). */
export const io_uring_sqe = layout('io_uring_sqe', 64, {
  opcode: u8(0),
  flags: u8(1),
  ioprio: u16(2),
  fd: i32(4),
  off: u64(8),
  addr: u64(16),
  len: u32(24),
  msg_flags: u32(28),
  poll32_events: u32(28),
  accept_flags: u32(28),
  cancel_flags: u32(28),
  user_data: u64(32),
  buf_group: u16(40),
  file_index: u32(44),
});

/** struct io_uring_cqe — io_uring_enter(2), since 5.1. 16 bytes (32 with SETUP_CQE32). */
export const io_uring_cqe = layout('io_uring_cqe', 16, { user_data: u64(0), res: i32(8), flags: u32(12) });

/** struct io_uring_params — io_uring_setup(2), since 5.1. 120 bytes. */
export const io_uring_params = layout('io_uring_params', 120, {
  sq_entries: u32(0),
  cq_entries: u32(4),
  flags: u32(8),
  features: u32(20),
  'sq_off.head': u32(40),
  'sq_off.tail': u32(44),
  'sq_off.ring_mask': u32(48),
  'sq_off.ring_entries': u32(52),
  'sq_off.flags': u32(56),
  'sq_off.dropped': u32(60),
  'sq_off.array': u32(64),
  'cq_off.head': u32(80),
  'cq_off.tail': u32(84),
  'cq_off.ring_mask': u32(88),
  'cq_off.ring_entries': u32(92),
  'cq_off.overflow': u32(96),
  'cq_off.cqes': u32(100),
  'cq_off.flags': u32(104),
});

/** struct io_uring_buf — io_uring_register(2), since 5.19. 16 bytes. The ring's tail overlays the first one's resv. */
export const io_uring_buf = layout('io_uring_buf', 16, {
  addr: u64(0),
  len: u32(8),
  bid: u16(12),
  resv: u16(14),
});

/** struct io_uring_buf_reg — io_uring_register(2), since 5.19. 40 bytes. */
export const io_uring_buf_reg = layout('io_uring_buf_reg', 40, {
  ring_addr: u64(0),
  ring_entries: u32(8),
  bgid: u16(12),
});

/** struct io_uring_probe — io_uring_register(2), since 5.6. 16 bytes, then ops_len × io_uring_probe_op. */
export const io_uring_probe = layout('io_uring_probe', 16, { last_op: u8(0), ops_len: u8(1) });

/** struct io_uring_probe_op — 8 bytes. */
export const io_uring_probe_op = layout('io_uring_probe_op', 8, { op: u8(0), flags: u16(2) });

/** struct io_uring_rsrc_register — since 5.13; the sparse flag since 5.19. 32 bytes. */
export const io_uring_rsrc_register = layout('io_uring_rsrc_register', 32, { nr: u32(0), flags: u32(4) });

/** struct io_uring_rsrc_update — since 5.13. 16 bytes. */
export const io_uring_rsrc_update = layout('io_uring_rsrc_update', 16, { offset: u32(0), data: u64(8) });
