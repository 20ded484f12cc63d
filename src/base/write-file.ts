/**
 * The one way in which files are written. A file appears under its name only when all of it is on the disk; until then it
 * has a name that nobody can guess, made anew and never through a link. An existing file keeps its mode
 * and owner: whoever wants others makes it first.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { findPlace, type Place } from './place.ts';

/** For its maker alone. */
export const PRIVATE_MODE = 0o600;
/** As far as the umask lets others. */
export const COMMON_MODE = 0o666;

const PERMISSIONS = 0o777;
const RANDOM_BYTES = 12;

/**
 * Writes a file with what `write` puts into the descriptor. `newMode`: of a file that was not there before. Throws
 * RUN_FILE_WRITE for a place that another user prepared, else as the file system does; nothing is left behind then.
 */
export function writeWholeFile(path: string, newMode: number, write: (fd: number) => void): void {
  try {
    using place = findPlace(path);
    const { existing, isUnnamed } = place;
    // A pipe or a device cannot be replaced by renaming, and must not be.
    if (isUnnamed || (existing && !existing.isFile())) writeInPlace(place, write);
    else replaceFile(place, newMode, write);
  } catch (error) {
    throw withoutDescriptor(error);
  }
}

/** write(2) may take less than it was given. */
export function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
}

/** A new file of ours with a name that nobody can guess, to be written to. The caller closes it. */
export function createUnguessable(folder: string, mode: number): { path: string; fd: number } {
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))).toString('hex');
  const path = `${folder}/.loopscope-${random}.partial`;
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return { path, fd: openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode) };
}

function replaceFile({ folder, name, existing }: Place, newMode: number, write: (fd: number) => void): void {
  const { path, fd } = createUnguessable(folder, existing ? PRIVATE_MODE : newMode);
  try {
    try {
      write(fd);
      if (existing) takeAfter(fd, existing);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(path, `${folder}/${name}`);
  } catch (error) {
    removeQuietly(path);
    throw error;
  }
}

function takeAfter(fd: number, { uid, gid, mode }: Stats): void {
  try {
    if (uid !== process.geteuid!() || gid !== process.getegid!()) fchownSync(fd, uid, gid);
  } catch {
    // Only root may give files away.
  }
  fchmodSync(fd, mode & PERMISSIONS);
}

function writeInPlace({ folder, name, isUnnamed }: Place, write: (fd: number) => void): void {
  const { O_WRONLY, O_NOCTTY, O_NOFOLLOW } = constants;
  const fd = openSync(`${folder}/${name}`, O_WRONLY | O_NOCTTY | (isUnnamed ? 0 : O_NOFOLLOW));
  try {
    if (isUnnamed && fstatSync(fd).isFile()) ftruncateSync(fd);
    write(fd);
  } finally {
    closeSync(fd);
  }
}

/** "ENOENT: no such file or directory, open '/proc/self/fd/…'": whoever reads it knows the path as they typed it. */
function withoutDescriptor(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const at = error.message.indexOf(" '/proc/self/fd/");
  if (at >= 0) error.message = error.message.slice(0, error.message.lastIndexOf(',', at));
  return error;
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody who may write there removed it.
  }
}
