/**
 * The name that a TLS client asks for (RFC 6066 §3), from its first message, which passes on as it came. The hello may
 * be split over records at every byte (RFC 8446 §5.1), and records over segments; with ML-KEM it has about 2 kB.
 */
// Invariants: R1 to R3 of reading.ts, but that nothing is taken off: the hello is the tunnel's, `next` is its start; and
//  H1  Records are walked once as they come; the message is read once, when the whole of it is there.
//  H2  No length is believed before it is compared with what holds it.
import { type Host, readHost } from '../host.ts';
import { READ, type Read } from '../reading.ts';
import { RecordCursor } from './record-cursor.ts';

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const RECORD_HEAD_BYTES = 5;
const RECORD_BYTES_MOST = 1 << 14;
const MESSAGE_HEAD_BYTES = 4;
const RANDOM_BYTES = 32;
const SERVER_NAME = 0;
const ENCRYPTED_HELLO = 0xfe0d;

/** AlertDescription, RFC 8446 §6. */
export const ALERT = {
  unexpectedMessage: 10,
  handshakeFailure: 40,
  illegalParameter: 47,
  accessDenied: 49,
  decodeError: 50,
  internalError: 80,
  unrecognizedName: 112,
} as const;

export type ClientHello = {
  /** Null without the extension. */
  readonly serverName: Host | null;
  /** Has the extension of Encrypted Client Hello, in earnest or as grease: the name may be the outer one, a front's. */
  readonly hasEncryptedHello: boolean;
};

export class ClientHelloReader {
  next = 0;
  hello: ClientHello | null = null;
  /** Why it is refused: an alert to answer with, 0 where the client does not speak TLS, and words to follow "sent". */
  alert = 0;
  fault = '';
  readonly #maxHelloBytes: number;
  /** Of records walked: bytes, heads included, and bytes of the message in them. */
  #walkedBytes = 0;
  #messageBytes = 0;
  /** Message bytes needed, its head included, once that is known. */
  #neededBytes = 0;
  readonly #cursor: RecordCursor = new RecordCursor();
  #serverName: Host | null = null;
  #seenNames = 0;
  #hasEncryptedHello = false;

  /** maxHelloBytes: with the heads of its records. */
  constructor(maxHelloBytes: number) {
    this.#maxHelloBytes = maxHelloBytes;
  }

  /** Reads on; see reading.ts. */
  read(bytes: Uint8Array, start: number, end: number): Read {
    this.next = start;
    const stop = Math.min(end, start + this.#maxHelloBytes);
    for (;;) {
      const at = start + this.#walkedBytes;
      const fault = headFault(bytes, at, stop);
      if (fault !== '') {
        const isFirst = at === start;
        return this.#refuse(isFirst ? 0 : ALERT.unexpectedMessage, isFirst ? fault : 'a broken hello');
      }
      if (stop - at < RECORD_HEAD_BYTES) break;
      const length = (bytes[at + 3]! << 8) | bytes[at + 4]!;
      const here = Math.min(length, stop - at - RECORD_HEAD_BYTES);
      if (this.#neededBytes === 0) this.#learnLength(bytes, start, at, here);
      if (this.fault !== '') return READ.refused;
      if (this.#neededBytes > 0 && this.#messageBytes + here >= this.#neededBytes)
        return this.#message(bytes, start, at + RECORD_HEAD_BYTES + here);
      if (here < length) break;
      this.#walkedBytes += RECORD_HEAD_BYTES + length;
      this.#messageBytes += length;
    }
    return end - start < this.#maxHelloBytes
      ? READ.more
      : this.#refuse(ALERT.handshakeFailure, `a hello of more than ${this.#maxHelloBytes} bytes`);
  }

  /** The message's head may itself lie in several records. */
  #learnLength(bytes: Uint8Array, start: number, at: number, here: number): void {
    const known = this.#messageBytes + here;
    if (known === 0) return;
    const cursor = this.#cursor;
    cursor.begin(bytes, start, at + RECORD_HEAD_BYTES + here);
    if (cursor.uint8() !== CLIENT_HELLO) {
      this.#refuse(ALERT.unexpectedMessage, 'another message than a hello');
      return;
    }
    if (known < MESSAGE_HEAD_BYTES) return;
    this.#neededBytes = MESSAGE_HEAD_BYTES + cursor.uint24();
    if (this.#neededBytes > this.#maxHelloBytes)
      this.#refuse(ALERT.handshakeFailure, `a hello of more than ${this.#maxHelloBytes} bytes`);
  }

  #message(bytes: Uint8Array, start: number, end: number): Read {
    const cursor = this.#cursor;
    cursor.begin(bytes, start, end);
    cursor.skip(MESSAGE_HEAD_BYTES);
    const messageEnd = this.#neededBytes;
    cursor.skip(2 + RANDOM_BYTES);
    cursor.skip(cursor.uint8());
    cursor.skip(cursor.uint16());
    cursor.skip(cursor.uint8());
    if (cursor.position > messageEnd || cursor.isSpent) return this.#broken();
    if (cursor.position < messageEnd) {
      const length = cursor.uint16();
      if (cursor.position + length !== messageEnd || !this.#extensions(messageEnd))
        return this.fault === '' ? this.#broken() : READ.refused;
    }
    this.hello = { serverName: this.#serverName, hasEncryptedHello: this.#hasEncryptedHello };
    return READ.done;
  }

  #extensions(messageEnd: number): boolean {
    const cursor = this.#cursor;
    while (cursor.position < messageEnd) {
      if (messageEnd - cursor.position < 4) return false;
      const type = cursor.uint16();
      const stop = cursor.position + 2 + cursor.uint16();
      if (stop > messageEnd) return false;
      if (type === ENCRYPTED_HELLO) this.#hasEncryptedHello = true;
      if (type === SERVER_NAME && !this.#names(stop)) return false;
      cursor.skip(stop - cursor.position);
    }
    return true;
  }

  /** RFC 6066 §3: one list, with one name of the one type there is. */
  #names(stop: number): boolean {
    const cursor = this.#cursor;
    // Two names would let a rule see one, and a server another.
    if (this.#seenNames++ > 0) return this.#wrong('two server names');
    if (stop - cursor.position < 5) return false;
    if (cursor.uint16() !== stop - cursor.position) return false;
    if (cursor.uint8() !== 0) return this.#wrong('a server name of an unknown type');
    const length = cursor.uint16();
    if (length > stop - cursor.position) return false;
    if (length < stop - cursor.position) return this.#wrong('two server names');
    const name = cursor.take(length);
    const host = name === null ? null : readHost(name, 0, length);
    if (host?.kind !== 'name') return this.#wrong('a server name that is none');
    this.#serverName = host;
    return true;
  }

  #wrong(fault: string): false {
    this.#refuse(ALERT.illegalParameter, fault);
    return false;
  }

  #broken(): Read {
    return this.#refuse(ALERT.decodeError, 'a broken hello');
  }

  #refuse(alert: number, fault: string): Read {
    this.alert = alert;
    this.fault = fault;
    return READ.refused;
  }
}

/** What is wrong with a record's head at `at`, as far as it has come; '' for nothing. */
function headFault(bytes: Uint8Array, at: number, end: number): string {
  if (end > at && bytes[at] !== HANDSHAKE_RECORD) return 'something else than TLS';
  if (end > at + 1 && bytes[at + 1] !== 3) return 'something else than TLS';
  if (end < at + RECORD_HEAD_BYTES) return '';
  const length = (bytes[at + 3]! << 8) | bytes[at + 4]!;
  // RFC 8446 §5.1: no empty fragments.
  return length === 0 || length > RECORD_BYTES_MOST ? 'a record of an impossible length' : '';
}

/** A fatal alert, as one record (RFC 8446 §6). */
export function alertRecord(description: number): Uint8Array {
  return Uint8Array.of(21, 3, 3, 0, 2, 2, description);
}
