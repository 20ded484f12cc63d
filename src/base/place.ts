/**
 * Where a file is to be written, found step by step: each folder is opened in the last one, so that nobody can put a
 * link in the way between a look and a step. In a folder that everybody may write to (/tmp), a link, pipe or file that
 * neither we nor the folder's owner made was put there by somebody else, and is not used. (Of links the kernel says the
 * same where fs.protected_symlinks is on.)
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  type Stats,
  statfsSync,
  statSync,
} from 'node:fs';
import { LoopscopeError } from './errors.ts';
import { printable } from './printable.ts';

export type Place = {
  /** The open folder, and the file's name in it: they stay the same whatever happens to the names that led there. */
  readonly folder: string;
  readonly name: string;
  /** What is there now, never a link; null when nothing is. */
  readonly existing: Stats | null;
  /** Reached through a link of /proc, as /dev/stdout is: there is no name that could be replaced. */
  readonly isUnnamed: boolean;
  [Symbol.dispose](): void;
};

/** open(2): since Linux 2.6.39; the same number on x86-64 and arm64. */
const O_PATH = 0o10000000;
const LINK_LIMIT = 40;
/** statfs(2). */
const PROC_SUPER_MAGIC = 0x9fa0;
const WRITABLE_BY_ALL = 0o002;

/** Throws RUN_FILE_WRITE for what another user planted, and as open(2) does where a folder is missing. */
export function findPlace(path: string): Place {
  let folderFd = openFolder(path.startsWith('/') ? '/' : '.');
  try {
    const rest = partsOf(path);
    for (let linkCount = 0; ; ) {
      const name = rest.shift();
      if (name === undefined) throw failure('EISDIR', 'illegal operation on a directory');
      const folder = `/proc/self/fd/${folderFd}`;
      const existing = lstatSync(`${folder}/${name}`, { throwIfNoEntry: false }) ?? null;
      const isLink = existing?.isSymbolicLink() === true;
      if (existing && (isLink || rest.length === 0)) refusePlanted(path, folderFd, existing);
      const isUnnamed = isLink && statfsSync(folder).type === PROC_SUPER_MAGIC;
      if (isLink && !isUnnamed) {
        if (++linkCount > LINK_LIMIT) throw failure('ELOOP', 'too many symbolic links encountered');
        const target = readlinkSync(`${folder}/${name}`);
        rest.unshift(...partsOf(target));
        if (target.startsWith('/')) folderFd = replace(folderFd, openFolder('/'));
      } else if (rest.length === 0) {
        const found = isUnnamed ? statSync(`${folder}/${name}`) : existing;
        return { folder, name, existing: found, isUnnamed, [Symbol.dispose]: () => closeSync(folderFd) };
      } else {
        const flags = isUnnamed ? 0 : constants.O_NOFOLLOW;
        folderFd = replace(folderFd, openFolder(`${folder}/${name}`, flags));
      }
    }
  } catch (error) {
    closeSync(folderFd);
    throw error;
  }
}

function openFolder(path: string, flags = 0): number {
  return openSync(path, O_PATH | constants.O_DIRECTORY | flags);
}

function replace(oldFd: number, newFd: number): number {
  closeSync(oldFd);
  return newFd;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function refusePlanted(path: string, folderFd: number, existing: Stats): void {
  const folder = fstatSync(folderFd);
  if ((folder.mode & WRITABLE_BY_ALL) === 0) return;
  if (existing.uid === process.geteuid!() || existing.uid === folder.uid) return;
  const what = existing.isSymbolicLink() ? 'leads through a link of' : 'belongs to';
  throw new LoopscopeError(
    'RUN_FILE_WRITE',
    `${printable(path)} ${what} another user (uid ${existing.uid}), in a folder that everybody may write to`,
    'choose a folder of your own, or another name',
  );
}

function failure(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}
