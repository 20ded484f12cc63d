/**
 * Where the bytes of an ELF image come from: a file, or memory (the vdso, a test). Files may be hostile: nothing is
 * ever waited for (a fifo), only regular files are read, and every read is checked against the size and a limit, and paid.
 */
import { readSync, type Stats } from 'node:fs';
import { rethrowSpent, spend } from './effort.ts';
import { openOrdinary } from './ordinary-file.ts';

export type ByteSource = {
  readonly byteLength: number;
  /** Exactly these bytes, not shared with later reads. Throws RangeError when they are not all there, or too many. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>;
};

/** Larger than any table of symbols or unwind information met so far (Node's strings: 19 MB, Chromium's: 60 MB). */
const READ_LIMIT_BYTES = 96 << 20;
/** Copied from the page cache, into memory that was cleared. */
const BYTES_PER_UNIT = 2048;

/**
 * Opens a file for the time of one call. Null when it is no ordinary file or unreadable, or when `use` throws, but for
 * what is used up. `isWanted`: asked of the open file, so that it is the one that was looked for.
 */
export function withFile<T>(
  path: string,
  use: (source: ByteSource) => T,
  { isWanted, trusted }: { isWanted?: (stat: Stats) => boolean; trusted?: boolean } = {},
): T | null {
  using file = openOrdinary(path, trusted);
  if (file === null || isWanted?.(file.stat) === false) return null;
  const { fd, stat } = file;
  try {
    return use({
      byteLength: stat.size,
      read(offset, length) {
        check(offset, length, stat.size);
        spend(1 + length / BYTES_PER_UNIT);
        const bytes = new Uint8Array(length);
        if (readSync(fd, bytes, 0, length, offset) !== length) throw new RangeError('short read');
        return bytes;
      },
    });
  } catch (error) {
    rethrowSpent(error);
    return null; // malformed: a name or a frame is a convenience, never a reason to fail
  }
}

export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    byteLength: bytes.length,
    read(offset, length) {
      check(offset, length, bytes.length);
      spend(1 + length / BYTES_PER_UNIT);
      // Not slice(): a Buffer's is a view of the whole.
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

function check(offset: number, length: number, size: number): void {
  if (!(offset >= 0 && length >= 0 && length <= READ_LIMIT_BYTES && offset + length <= size)) {
    throw new RangeError('outside the file');
  }
}
