const POLYNOMIAL = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let i = 0; i < 8; i++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value >>> 0;
});

/** CRC32c (RFC 4960, appendix B) of bytes [start, end), the four at `zeroAt` taken for zeros. */
export function crc32c(bytes: Uint8Array, start: number, end: number, zeroAt: number): number {
  let sum = 0xffffffff;
  for (let i = start; i < end; i++) {
    const byte = i >= zeroAt && i < zeroAt + 4 ? 0 : bytes[i]!;
    sum = TABLE[(sum ^ byte) & 0xff]! ^ (sum >>> 8);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
