/** Upstreams from a file: one a line, with "weight=N" behind it or not; "#" begins a comment. */
import { open } from 'node:fs/promises';
import { LoopscopeError } from '../../../../base/errors.ts';
import { MOST_UPSTREAMS } from '../rows/roster.ts';
import { parseUpstream, type UpstreamSpec } from '../upstream-spec.ts';
import { Pace } from './pace.ts';

const MOST_FILE_BYTES = 8 << 20;
/** Lines read between two looks at the clock. */
const BATCH = 16;

/** Reads a whole file. Throws FILE_UNREADABLE, or USAGE with file and line of the first fault. */
export async function readUpstreamFile(path: string, pace: Pace = new Pace()): Promise<UpstreamSpec[]> {
  return parseUpstreamList(await readText(path), path, pace);
}

/** Reads a list piece by piece. Throws USAGE. */
export async function parseUpstreamList(text: string, path: string, pace: Pace): Promise<UpstreamSpec[]> {
  const list: UpstreamSpec[] = [];
  let start = 0;
  for (let line = 1; start < text.length; line++) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const hash = text.indexOf('#', start);
    const written = text.slice(start, hash < 0 || hash > end ? end : hash).trim();
    start = end + 1;
    if (written !== '') list.push(specOf(written, path, line));
    if (list.length > MOST_UPSTREAMS) {
      throw new LoopscopeError(
        'USAGE',
        `${path}:${line}: more than ${MOST_UPSTREAMS} upstreams`,
        'list fewer',
      );
    }
    if (line % BATCH === 0 && pace.isOver) await pace.rest();
  }
  if (list.length > 0) return list;
  throw new LoopscopeError(
    'USAGE',
    `${path}: no upstream is in it`,
    'write one a line, for instance 10.0.0.7:80 weight=3',
  );
}

function specOf(written: string, path: string, line: number): UpstreamSpec {
  try {
    return parseUpstream(written);
  } catch (error) {
    const { message, hint } = error as LoopscopeError;
    throw new LoopscopeError('USAGE', `${path}:${line}: ${message}`, hint);
  }
}

async function readText(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > MOST_FILE_BYTES) {
      throw new LoopscopeError(
        'USAGE',
        `${path}: ${size} bytes are more than ${MOST_FILE_BYTES}`,
        'list fewer upstreams',
      );
    }
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof LoopscopeError) throw error;
    throw new LoopscopeError(
      'FILE_UNREADABLE',
      `${path}: ${(error as Error).message}`,
      'name a file that can be read',
      error,
    );
  }
}
