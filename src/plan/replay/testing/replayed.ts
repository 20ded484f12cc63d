/** Logs for tests, and what a replay makes of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReplay } from '../open-replay.ts';
import type { ReplayOptions } from '../replay-options.ts';
import type { ReplayRequest } from '../replay-request.ts';
import type { ReplaySummary } from '../replay-summary.ts';

export type Replayed = { requests: Taken[]; summary: ReplaySummary };

/** A request, copied. */
export type Taken = Omit<ReplayRequest, 'bytes' | 'start' | 'end'> & { text: string; path: string };

/** Reads logs to their end. `capacity`: so many pushes in a row find room. */
export async function replayed(
  options: Partial<ReplayOptions> & Pick<ReplayOptions, 'files'>,
  { capacity = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = {},
): Promise<Replayed> {
  const reader = await openReplay({ host: 'target:80', ...options });
  const requests: Taken[] = [];
  const stop = new AbortController();
  let room = capacity;
  const summary = await reader.pump(
    {
      push(request) {
        if (room === 0) return false;
        room--;
        requests.push(take(request));
        if (requests.length === limit) stop.abort();
        return true;
      },
      async room() {
        room = capacity;
      },
    },
    stop.signal,
  );
  return { requests, summary };
}

function take({ bytes, start, end, ...rest }: ReplayRequest): Taken {
  const text = Buffer.from(bytes.subarray(start, end)).toString('latin1');
  return { ...rest, text, path: text.split(' ', 2)[1] ?? '' };
}

/** A folder of logs, removed when disposed of. */
export function logFolder(): { write(name: string, content: string | Uint8Array): string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-replay-'));
  return {
    write(name, content) {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** 29 November 2026, 07:04:55 UTC. */
export const BEGIN_SEC = 1_795_935_895;

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** "29/Nov/2026:07:04:55 +0000" of so many seconds after BEGIN_SEC. */
export function stampOf(offsetSec: number): string {
  const at = new Date((BEGIN_SEC + Math.floor(offsetSec)) * 1000).toISOString();
  const month = MONTHS.slice(3 * Number(at.slice(5, 7)) - 3, 3 * Number(at.slice(5, 7)));
  return `${at.slice(8, 10)}/${month}/${at.slice(0, 4)}:${at.slice(11, 19)} +0000`;
}

type Line = {
  client?: string;
  method?: string;
  path?: string;
  status?: number;
  bytes?: number;
  referrer?: string;
  agent?: string;
};

/** A line of nginx's combined. */
export function combined(offsetSec: number, line: Line = {}): string {
  const { client = '127.0.0.1', method = 'GET', path = '/', status = 200, bytes = 2 } = line;
  const { referrer = '-', agent = '-' } = line;
  const request = `"${method} ${path} HTTP/1.1" ${status} ${bytes}`;
  return `${client} - - [${stampOf(offsetSec)}] ${request} "${referrer}" "${agent}"`;
}

/** With $request_time and $msec: it ended at `endSec`, and took so long. */
export function timed(endSec: number, tookSec: number, line: Line = {}): string {
  return `${combined(endSec, line)} ${tookSec.toFixed(3)} ${(BEGIN_SEC + endSec).toFixed(3)}`;
}
