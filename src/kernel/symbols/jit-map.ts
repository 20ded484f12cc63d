/**
 * What a JIT wrote down about itself: lines "start size name" in /tmp/perf-PID.map, as V8 (--perf-basic-prof), the JVM
 * and others write them for perf(1). Anyone may write to /tmp, so the file is taken only as an ordinary file of the
 * process's own user, reached through no link, and is bounded.
 */
import { readSync } from 'node:fs';
import { printable } from '../../base/printable.ts';
import { readProcText } from '../proc/read-text.ts';
import { rethrowSpent, spend } from './effort.ts';
import { openOrdinary } from './ordinary-file.ts';
import { lastNotAbove } from './sorted.ts';

export type JitMap = {
  /** "LazyCompile:*handle /srv/app.js:12", without an offset; null outside all code. */
  nameOf(address: bigint): string | null;
  /** Of the text that it was read from. */
  readonly chars: number;
};

const LIMIT_BYTES = 64 << 20;
const NAME_LIMIT = 256;
/** Of lines as people's JITs write them, 64 MiB hold fewer. */
const ROW_LIMIT = 1 << 20;
const ROW_UNITS = 3;
const BYTES_PER_UNIT = 1024;

/** Null when there is none, or it cannot be trusted. */
export function readJitMap(pid: number): JitMap | null {
  const status = readProcText(`/proc/${pid}/status`) ?? '';
  const uid = /^Uid:\t\d+\t(\d+)/m.exec(status)?.[1];
  // Named by the pid inside its own namespace, the last one.
  const innerPid = /^NStgid:(?:\t\d+)*\t(\d+)$/m.exec(status)?.[1] ?? String(pid);
  if (uid === undefined) return null;
  const text = readOwned(`/proc/${pid}/root/tmp/perf-${innerPid}.map`, Number(uid));
  return text === null ? null : parseJitMap(text);
}

/** Code that was moved or compiled anew is written again: of two lines for one address the later one counts. */
export function parseJitMap(text: string): JitMap {
  const rows: { start: bigint; bytes: bigint; name: string }[] = [];
  for (const match of text.matchAll(/^(?:0x)?([0-9a-f]{1,16}) (?:0x)?([0-9a-f]{1,8}) (.+)$/gm)) {
    if (rows.length === ROW_LIMIT) break;
    spend(ROW_UNITS);
    rows.push({
      start: BigInt(`0x${match[1]}`),
      bytes: BigInt(`0x${match[2]}`),
      name: printable(match[3]!, NAME_LIMIT),
    });
  }
  // Stable, so that later lines stay behind earlier ones of the same address.
  rows.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const starts = BigUint64Array.from(rows, (row) => row.start);
  return {
    chars: text.length,
    nameOf(address) {
      const row = rows[lastNotAbove(starts, address)];
      return row && address < row.start + row.bytes ? row.name : null;
    },
  };
}

function readOwned(path: string, uid: number): string | null {
  using file = openOrdinary(path);
  if (file === null || file.stat.uid !== uid || file.stat.size > LIMIT_BYTES) return null;
  spend(file.stat.size / BYTES_PER_UNIT);
  try {
    const bytes = Buffer.alloc(file.stat.size);
    return bytes.toString('utf8', 0, readSync(file.fd, bytes, 0, bytes.length, 0));
  } catch (error) {
    rethrowSpent(error);
    return null;
  }
}
