/** Bytes of one log, unpacked, a piece at a time. */
export type Chunks = {
  /** The next bytes, good until the next read(); null at the end, and where reading on makes no sense (`damage`). */
  read(): Promise<Uint8Array | null>;
  /** Why the end came before its time; null: it did not. A sentence's end, without the name of the log. */
  damage(): string | null;
  /** Bytes taken so far, as they lie on disk. */
  readBytes(): number;
  close(): Promise<void>;
};

/** Of a path: its bytes, its size (0 for what has none), and whether it can be opened again and read anew. */
export type OpenedPath = { chunks: Chunks; sizeBytes: number; isFile: boolean };

/** So much is read at once. */
export const CHUNK_BYTES = 256 * 1024;

/** What a failed read says, without the path that Node puts behind it. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : REASONS[code];
  return known ?? String(message).split(', ', 1)[0]!;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'reading it is not permitted',
  EISDIR: 'it is a folder',
  EIO: 'the disk failed',
  EMFILE: 'too many files are open',
};
