/** Bodies of the logged length, where a log has the length alone. */
import type { LogEntry } from '../lines/log-entry.ts';
import type { ReplayRequest } from '../replay-request.ts';
import { announcesBody, isSafe } from './methods.ts';

/** Longer bodies are cut to this: their bytes are of no use to anybody. */
export const FILLER_BYTES_MAX: number = 1 << 20;
/** Longer heads than this have none. */
const HEAD_BYTES_MAX = 1 << 18;
/** "Content-Length: 1234" and its line end, or the digits alone: what the head does not have yet. */
const LENGTH_LINE_BYTES = 22;
const LENGTH_DIGITS = 3;
const FILLING = 0x78;

/** How long the body was whose request has a head of `headBytes` now; 0 where none is to be sent. */
export function fillBytesOf(entry: LogEntry, method: number, headBytes: number): number {
  const { requestBytes, requestHasHead, bodyStart, bodyEnd } = entry;
  if (
    requestBytes <= 0 ||
    bodyEnd > bodyStart ||
    isSafe(method) ||
    headBytes > HEAD_BYTES_MAX - LENGTH_LINE_BYTES
  ) {
    return 0;
  }
  const more = announcesBody(method) ? LENGTH_DIGITS : LENGTH_LINE_BYTES;
  const bodyBytes = requestHasHead ? requestBytes - headBytes - more : requestBytes;
  return Math.max(0, Math.min(FILLER_BYTES_MAX, bodyBytes));
}

export class Filler {
  /** Room for a head, and filler behind it. */
  readonly #bytes: Uint8Array = new Uint8Array(HEAD_BYTES_MAX + FILLER_BYTES_MAX).fill(
    FILLING,
    HEAD_BYTES_MAX,
  );

  /** Puts a body of so many bytes behind the head that `request` is. */
  fill(request: ReplayRequest, bodyBytes: number): void {
    const { bytes, start, end } = request;
    const at = HEAD_BYTES_MAX - (end - start);
    for (let i = start; i < end; i++) this.#bytes[at + i - start] = bytes[i]!;
    request.bytes = this.#bytes;
    request.start = at;
    request.end = HEAD_BYTES_MAX + bodyBytes;
  }
}
