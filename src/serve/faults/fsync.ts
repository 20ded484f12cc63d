import { closeSync, fsyncSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createUnguessable, PRIVATE_MODE } from '../../base/write-file.ts';
import type { Fault } from './fault.ts';

/** statfs(2): on tmpfs fsync has nothing to do. */
const TMPFS_MAGIC = 0x01021994;

/** A handler that writes to disk and waits for it. */
export const fsync = {
  name: 'fsync',
  summary: 'writes that many bytes to a file and calls fsync',
  unit: 'bytes',
  example: 'fsync:8MB/100',
  plant(byteCount) {
    const { path, fd } = createUnguessable(diskFolder(), PRIVATE_MODE);
    // Nameless from the start: nothing is left behind however this process ends.
    unlinkSync(path);
    const block = Buffer.alloc(byteCount, 0x61);
    return {
      hit() {
        for (let written = 0; written < byteCount; ) {
          written += writeSync(fd, block, written, byteCount - written, written);
        }
        fsyncSync(fd);
      },
      [Symbol.dispose]: () => closeSync(fd),
    };
  },
} satisfies Fault;

/** A folder on a real disk, if there is one to be found. */
function diskFolder(): string {
  const folders = [tmpdir(), '/var/tmp', process.cwd()];
  return folders.find((path) => isOnDisk(path)) ?? tmpdir();
}

function isOnDisk(path: string): boolean {
  try {
    return statfsSync(path).type !== TMPFS_MAGIC;
  } catch {
    return false;
  }
}
