/**
 * recv and gathered send on stream sockets with no allocation: fixed memory, precomputed BigInts.
 *
 * Invariants
 *  S1  One instance per thread; nothing is under way between calls (the calls never block).
 */
import { MSG_DONTWAIT, MSG_NOSIGNAL } from './abi/socket.ts';
import { __NR_recvfrom, __NR_sendmsg } from './abi/syscall-numbers.ts';
import { addressOf, big, errnoCell, fastSyscall, offHeap } from './libc.ts';
import { MessageSlots } from './message-slots.ts';

const NR_SENDMSG = BigInt(__NR_sendmsg);
const NR_RECVFROM = BigInt(__NR_recvfrom);
const SEND_FLAGS = BigInt(MSG_DONTWAIT | MSG_NOSIGNAL);
const RECEIVE_FLAGS = BigInt(MSG_DONTWAIT);

export class StreamIo {
  /** Where received bytes are put, always from 0. */
  readonly receiveBuffer: Uint8Array<ArrayBuffer>;
  readonly #receiveAddress: bigint;
  readonly #receiveLength: bigint;
  readonly #message = new MessageSlots(1);
  readonly #messageAddress: bigint;
  #pieceCount = 0;

  constructor(receiveBytes: number) {
    this.receiveBuffer = offHeap(receiveBytes);
    this.#receiveAddress = addressOf(this.receiveBuffer);
    this.#receiveLength = BigInt(receiveBytes);
    this.#messageAddress = BigInt(this.#message.addressNumber(0));
  }

  /** Bytes received, 0 at the end of the stream, or −errno. */
  receive(fd: number): number {
    const length = this.#receiveLength;
    const n = fastSyscall(NR_RECVFROM, big(fd), this.#receiveAddress, length, RECEIVE_FLAGS, 0n);
    return n < 0 ? -errnoCell[0]! : n;
  }

  /** Sends the first bytes of the receive buffer back where they came from, or elsewhere. As send(). */
  sendReceived(fd: number, byteLength: number): number {
    this.gather(Number(this.#receiveAddress), byteLength);
    return this.send(fd);
  }

  /** Adds memory to the next send; at most GATHER_LIMIT pieces. */
  gather(addressNumber: number, byteLength: number): void {
    this.#message.setPiece(0, this.#pieceCount++, addressNumber, byteLength);
  }

  /** Sends what was gathered, and forgets it. Bytes the kernel took, or −errno. */
  send(fd: number): number {
    this.#message.setPieceCount(0, this.#pieceCount);
    this.#pieceCount = 0;
    const n = fastSyscall(NR_SENDMSG, big(fd), this.#messageAddress, SEND_FLAGS, 0n, 0n);
    return n < 0 ? -errnoCell[0]! : n;
  }
}
