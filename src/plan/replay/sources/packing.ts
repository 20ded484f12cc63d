/** How a log is packed, by its first bytes: names lie. */
export type Packing = 'plain' | 'gzip' | 'zstd';

/** So many first bytes are enough to know. */
export const MAGIC_BYTES = 4;

/** RFC 1952 §2.3.1; RFC 8878 §3.1.1 (a frame) and §3.1.2 (one to be skipped). */
export function packingOf(bytes: Uint8Array): Packing {
  const [a, b, c, d] = bytes;
  if (a === 0x1f && b === 0x8b) return 'gzip';
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'zstd';
  return a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18 ? 'zstd' : 'plain';
}
