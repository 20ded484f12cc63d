/**
 * How many bytes a TCP connection carried, by the kernel's own count: TCP_INFO, tcp(7). The kernel counts sequence
 * numbers, and the SYN and the FIN have one each; here they are taken off again.
 */
import { IPPROTO_TCP, SIOCINQ, SIOCOUTQ, TCP_INFO, TCP_STATE, tcp_info } from '../abi/socket.ts';
import { __NR_getsockopt, __NR_ioctl } from '../abi/syscall-numbers.ts';
import { addressOf, big, fastSyscall, offHeap } from '../libc.ts';

const NR_GETSOCKOPT = BigInt(__NR_getsockopt);
const NR_IOCTL = BigInt(__NR_ioctl);
const LEVEL = BigInt(IPPROTO_TCP);
const OPTION = BigInt(TCP_INFO);
const OUT_QUEUE = BigInt(SIOCOUTQ);
const IN_QUEUE = BigInt(SIOCINQ);

const infoBytes = offHeap(tcp_info.byteLength);
const info = new DataView(infoBytes.buffer, infoBytes.byteOffset, infoBytes.byteLength);
const infoAddress = addressOf(infoBytes);
const lengthBytes = offHeap(4);
const length = new DataView(lengthBytes.buffer, lengthBytes.byteOffset, 4);
const lengthAddress = addressOf(lengthBytes);
const queuedBytes = offHeap(4);
const queued = new DataView(queuedBytes.buffer, queuedBytes.byteOffset, 4);
const queuedAddress = addressOf(queuedBytes);

export type TcpCounts = {
  /** Taken over by the kernel and delivered, or still to be; with a reset only what the peer acknowledged. */
  sentBytes: number;
  /** Arrived in order, read or not. */
  receivedBytes: number;
};

/** Our FIN was queued: it has a number behind the last byte. */
const SENT_FIN =
  (1 << TCP_STATE.FIN_WAIT1) |
  (1 << TCP_STATE.FIN_WAIT2) |
  (1 << TCP_STATE.CLOSING) |
  (1 << TCP_STATE.LAST_ACK) |
  (1 << TCP_STATE.TIME_WAIT);
/** The peer's FIN arrived. */
const GOT_FIN =
  (1 << TCP_STATE.CLOSE_WAIT) |
  (1 << TCP_STATE.CLOSING) |
  (1 << TCP_STATE.LAST_ACK) |
  (1 << TCP_STATE.TIME_WAIT);

/**
 * Reads the counts of a socket that is about to be closed. `readBytes`: what was read from it. `connected`: it was us who
 * connected. `isReset`: it is closed by a reset, which drops what is not acknowledged. False when the kernel does not tell:
 * no TCP socket, or no connection was ever made. Allocates nothing.
 */
export function readTcpCounts(
  fd: number,
  readBytes: number,
  connected: boolean,
  isReset: boolean,
  into: TcpCounts,
): boolean {
  length.setUint32(0, tcp_info.byteLength, true);
  if (fastSyscall(NR_GETSOCKOPT, big(fd), LEVEL, OPTION, infoAddress, lengthAddress) < 0) return false;
  if (length.getUint32(0, true) < tcp_info.byteLength) return false;
  const state = infoBytes[tcp_info.at.tcpi_state]!;
  const acked = u64At(tcp_info.at.tcpi_bytes_acked) - (connected ? 1 : 0);
  const received = u64At(tcp_info.at.tcpi_bytes_received);
  if (state === TCP_STATE.CLOSE) {
    // Reset, or both sides were closed in order; which FINs were counted shows in the bytes themselves: no more payload
    // can be acknowledged than was sent, nor be here than was read and is queued.
    const sentOnce = u64At(tcp_info.at.tcpi_bytes_sent) - u64At(tcp_info.at.tcpi_bytes_retrans);
    into.sentBytes = Math.min(acked, sentOnce);
    into.receivedBytes = Math.min(received, readBytes + queueOf(fd, IN_QUEUE));
    return acked >= 0;
  }
  const waits =
    info.getUint32(tcp_info.at.tcpi_unacked, true) + info.getUint32(tcp_info.at.tcpi_notsent_bytes, true);
  const unacked = waits === 0 || isReset ? 0 : queueOf(fd, OUT_QUEUE);
  const sentFin = (SENT_FIN >> state) & 1;
  // Of what is not acknowledged the FIN is the last.
  const fin = isReset && waits > 0 ? 0 : sentFin;
  into.sentBytes = acked + unacked - fin;
  into.receivedBytes = received - ((GOT_FIN >> state) & 1);
  return true;
}

function u64At(offset: number): number {
  return info.getUint32(offset, true) + info.getUint32(offset + 4, true) * 2 ** 32;
}

function queueOf(fd: number, request: bigint): number {
  return fastSyscall(NR_IOCTL, big(fd), request, queuedAddress, 0n, 0n) < 0 ? 0 : queued.getUint32(0, true);
}
