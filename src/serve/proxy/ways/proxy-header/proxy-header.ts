/**
 * A PROXY protocol header (haproxy's doc/proxy-protocol.txt), version 1 or 2, read from a peer that is trusted to send
 * one. Nothing is guessed: a connection that does not begin with one is refused, for the specification forbids to take
 * the first bytes of a client for an absent header.
 */
// Invariants: R1 to R3 of reading.ts, and
//  P1  No address is read before the whole of it is there, and none but within the length that the header gives.
import { READ, type Read } from '../reading.ts';
import type { ProxyHeader } from './header-fields.ts';
import { readVersion1, V1_BYTES_MOST } from './version-1.ts';
import { readVersion2, V2_HEAD_BYTES, V2_SIGNATURE } from './version-2.ts';

const V1_SIGNATURE = Uint8Array.from('PROXY ', (char) => char.charCodeAt(0));
const LF = 10;

export class ProxyHeaderReader {
  next = 0;
  header: ProxyHeader | null = null;
  /** Why it is refused: words to follow "the connection begins with". */
  fault = '';
  readonly #maxV2Bytes: number;
  #scanned = 0;

  /** maxV2Bytes: longest header of version 2, its TLVs included. */
  constructor(maxV2Bytes: number) {
    this.#maxV2Bytes = maxV2Bytes;
  }

  /** Reads on; see reading.ts. */
  read(bytes: Uint8Array, start: number, end: number): Read {
    if (end === start) return READ.more;
    if (begins(bytes, start, end, V1_SIGNATURE)) return this.#line(bytes, start, end);
    if (begins(bytes, start, end, V2_SIGNATURE)) return this.#block(bytes, start, end);
    return this.#refuse('something else than a PROXY header');
  }

  #line(bytes: Uint8Array, start: number, end: number): Read {
    const stop = Math.min(end, start + V1_BYTES_MOST);
    let at = start + this.#scanned;
    while (at < stop && bytes[at] !== LF) at++;
    this.#scanned = at - start;
    if (at === stop) {
      return this.#scanned < V1_BYTES_MOST
        ? READ.more
        : this.#refuse(`a PROXY line of more than ${V1_BYTES_MOST} bytes`);
    }
    this.next = at + 1;
    return this.#take(readVersion1(bytes, start, at + 1));
  }

  #block(bytes: Uint8Array, start: number, end: number): Read {
    if (end - start < V2_HEAD_BYTES) return READ.more;
    const length = V2_HEAD_BYTES + ((bytes[start + 14]! << 8) | bytes[start + 15]!);
    if (length > this.#maxV2Bytes)
      return this.#refuse(`a PROXY header of ${length} bytes, which is too many`);
    this.next = start + length;
    return end < this.next ? READ.more : this.#take(readVersion2(bytes, start, this.next));
  }

  #take(header: ProxyHeader | string): Read {
    if (typeof header === 'string') return this.#refuse(header);
    this.header = header;
    return READ.done;
  }

  #refuse(fault: string): Read {
    this.fault = fault;
    return READ.refused;
  }
}

/** Do the bytes begin with the signature, as far as they have come? */
function begins(bytes: Uint8Array, start: number, end: number, signature: Uint8Array): boolean {
  const length = Math.min(end - start, signature.length);
  for (let i = 0; i < length; i++) if (bytes[start + i] !== signature[i]) return false;
  return true;
}
