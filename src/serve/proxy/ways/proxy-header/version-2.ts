/** The block of PROXY version 2. */
import { ipv4Host, ipv6HostOf } from '../host.ts';
import type { Endpoint } from '../way.ts';
import { crc32c } from './crc32c.ts';
import type { ProxyHeader, Tlv } from './header-fields.ts';

export const V2_SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);
/** Signature, version and command, family, length. */
export const V2_HEAD_BYTES = 16;
export const V2_COMMAND = { local: 0x20, proxy: 0x21 } as const;
/** Family and transport, as one byte, and how long the addresses are. */
export const V2_FAMILY = { tcp4: 0x11, tcp6: 0x21, unix: 0x31 } as const;
export const V2_ADDRESS_BYTES = { tcp4: 12, tcp6: 36, unix: 216 } as const;
export const V2_CRC32C = 3;

const UNIX_PATH_BYTES = 108;

/** The header of bytes [start, end), all that its length says; or what is wrong with it. */
export function readVersion2(bytes: Uint8Array, start: number, end: number): ProxyHeader | string {
  const command = bytes[start + 12]!;
  const family = bytes[start + 13]!;
  if (command !== V2_COMMAND.local && command !== V2_COMMAND.proxy)
    return 'a PROXY header of an unknown version or command';
  // A proxy's own connection, a health check say: all that follows is to be ignored, the family too.
  if (command === V2_COMMAND.local) return { version: 2, source: null, destination: null, tlvs: [] };
  if (family >> 4 > 3 || (family & 15) > 2) return 'a PROXY header of an unknown family';
  if (family >> 4 === 0 || (family & 15) === 0)
    return { version: 2, source: null, destination: null, tlvs: [] };
  if ((family & 15) === 2) return 'a PROXY header for datagrams';
  const at = start + V2_HEAD_BYTES;
  const length = addressBytesOf(family);
  if (end - at < length) return 'a PROXY header that is too short for its addresses';
  const tlvs = readTlvs(bytes, start, at + length, end);
  if (typeof tlvs === 'string') return tlvs;
  const half = family === V2_FAMILY.unix ? UNIX_PATH_BYTES : (length - 4) / 2;
  return {
    version: 2,
    source: addressAt(bytes, family, at, at + 2 * half),
    destination: addressAt(bytes, family, at + half, at + 2 * half + 2),
    tlvs,
  };
}

function addressBytesOf(family: number): number {
  if (family === V2_FAMILY.tcp4) return V2_ADDRESS_BYTES.tcp4;
  return family === V2_FAMILY.tcp6 ? V2_ADDRESS_BYTES.tcp6 : V2_ADDRESS_BYTES.unix;
}

function addressAt(bytes: Uint8Array, family: number, at: number, portAt: number): Endpoint {
  if (family === V2_FAMILY.unix) return { host: pathAt(bytes, at), port: 0 };
  const host = family === V2_FAMILY.tcp4 ? ipv4Host(bytes, at) : ipv6HostOf(bytes, at);
  return { host: host.text, port: (bytes[portAt]! << 8) | bytes[portAt + 1]! };
}

/** A path up to its NUL; "@" begins a name of the abstract namespace, whose first byte is a NUL. */
function pathAt(bytes: Uint8Array, start: number): string {
  const isAbstract = bytes[start] === 0;
  let end = isAbstract ? start + 1 : start;
  while (end < start + UNIX_PATH_BYTES && bytes[end] !== 0) end++;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  return isAbstract && text.length > 1 ? `@${text.slice(1)}` : isAbstract ? '' : text;
}

/** What follows the addresses, up to `end`, exactly; the checksum is over all of the header. */
function readTlvs(bytes: Uint8Array, start: number, from: number, end: number): Tlv[] | string {
  const tlvs: Tlv[] = [];
  for (let at = from; at < end; ) {
    const length = end - at < 3 ? Infinity : (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const stop = at + 3 + length;
    if (stop > end) return 'a PROXY header with a field that goes past its end';
    if (bytes[at] === V2_CRC32C && (length !== 4 || !isIntact(bytes, start, at + 3, end)))
      return 'a PROXY header whose checksum is wrong';
    tlvs.push({ type: bytes[at]!, value: bytes.slice(at + 3, stop) });
    at = stop;
  }
  return tlvs;
}

function isIntact(bytes: Uint8Array, start: number, sumAt: number, end: number): boolean {
  const sum = crc32c(bytes, start, end, sumAt);
  return new DataView(bytes.buffer, bytes.byteOffset + sumAt, 4).getUint32(0) === sum;
}
