/**
 * The one way in which files of watched processes are opened. Root follows paths that others made, so: never a pipe, a
 * device or a socket, which opening alone may act upon; never through a link, but for those of /proc, which lead to what
 * is open or mapped; and what was opened is what was looked at.
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { spend } from './effort.ts';

export type OrdinaryFile = { fd: number; stat: Stats; [Symbol.dispose](): void };

/** open(2): a name without its file, and so without what opening does. The same number on x86-64 and arm64. */
const O_PATH = 0o10000000;
const OPEN_UNITS = 15;

/** Below the root of a process, where each folder is the process's own to exchange. */
const BELOW_ROOT = /^(\/proc\/\d+\/root)\/(.*)$/s;
const LINK_OF_PROC = /^\/proc\/(\d+|self)\/(map_files|fd)\/[^/]+$/;

/**
 * Null when there is no such ordinary file, or we may not read it. `trusted`: its last step may be a link, as a
 * distribution makes them where only root writes.
 */
export function openOrdinary(path: string, trusted = false): OrdinaryFile | null {
  return look(path, trusted, (stat, fd) => {
    const readable = openSync(
      `/proc/self/fd/${fd}`,
      constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
    return { fd: readable, stat, [Symbol.dispose]: () => closeSync(readable) };
  });
}

/** What is known of an ordinary file without opening it; null when it is none. */
export function statOrdinary(path: string): Stats | null {
  return look(path, false, (stat) => stat);
}

function look<T>(path: string, trusted: boolean, use: (stat: Stats, fd: number) => T): T | null {
  spend(OPEN_UNITS);
  let fd = -1;
  try {
    fd = handleOf(path, trusted);
    const stat = fstatSync(fd);
    return stat.isFile() ? use(stat, fd) : null;
  } catch {
    return null; // not there, a link, or not for us
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function handleOf(path: string, trusted: boolean): number {
  const below = BELOW_ROOT.exec(path);
  if (!below) {
    const follows = trusted || LINK_OF_PROC.test(path);
    return openSync(path, O_PATH | (follows ? 0 : constants.O_NOFOLLOW));
  }
  // An absolute link on the way would lead out of the process's root, into ours.
  let fd = openSync(below[1]!, O_PATH | constants.O_DIRECTORY);
  for (const name of below[2]!.split('/')) {
    if (name === '' || name === '.') continue;
    const next = name === '..' ? null : `/proc/self/fd/${fd}/${name}`;
    try {
      if (next === null) throw new RangeError('no way up');
      const inner = openSync(next, O_PATH | constants.O_NOFOLLOW);
      closeSync(fd);
      fd = inner;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }
  return fd;
}
