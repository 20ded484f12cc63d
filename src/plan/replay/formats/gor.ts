/** GoReplay's recordings: requests with header lines and bodies, and the replies that were recorded with them. */
import { PAYLOAD_SEPARATOR } from '../framing/payload-splitter.ts';
import { RECORD_BYTES_MAX } from '../framing/splitter.ts';
import { find, isBinary, readUint } from '../lines/bytes.ts';
import { headersEnd, headerValue, joinChunks, lineEnd, type Place, textEnd } from '../lines/http-head.ts';
import { clearEntry, FIELD, type Field, type LogEntry, setField } from '../lines/log-entry.ts';
import { REFUSAL, type Refusal } from '../lines/refusal.ts';
import { checkRequest, setRequestLine } from '../lines/request-line.ts';
import { createStamp, readStamp, type Stamp } from '../lines/stamp.ts';
import type { LogFormat, LogParser } from './log-format.ts';

const REQUEST = 0x31;
const SPACE = 0x20;
const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const HEADERS: readonly [Buffer, Field][] = [
  [Buffer.from('host'), FIELD.host],
  [Buffer.from('user-agent'), FIELD.userAgent],
  [Buffer.from('referer'), FIELD.referrer],
];

export const gor = {
  name: 'gor',
  summary: "GoReplay's recordings (.gor), with headers, bodies and the replies of then",
  framing: 'gor',
  createParser: ({ sessionHeader }) => createGorParser(sessionHeader),
} satisfies LogFormat;

/** A record is "1 ID NANOSECONDS [NANOSECONDS]", the request, and perhaps a separator and the reply under its own "2 …". */
function createGorParser(sessionHeader: string | undefined): LogParser {
  const wanted: readonly [Buffer, Field][] =
    sessionHeader === undefined
      ? HEADERS
      : [...HEADERS, [Buffer.from(sessionHeader.toLowerCase()), FIELD.session]];
  const place: Place = { start: 0, end: 0 };
  const replyStamp: Stamp = createStamp();
  /** Where a chunked body is put together, with the head before it. */
  let joined: Buffer | null = null;

  function takeHead(bytes: Uint8Array, start: number, end: number, entry: LogEntry): Refusal {
    const next = lineEnd(bytes, start, end);
    const stop = headersEnd(bytes, next, end);
    for (let i = 0; i < wanted.length; i++) {
      const [name, field] = wanted[i]!;
      if (headerValue(bytes, next, stop, name, place)) setField(entry, field, place.start, place.end);
    }
    entry.carried = bytes;
    entry.headStart = next;
    entry.headEnd = stop;
    entry.bodyStart = Math.min(end, lineEnd(bytes, stop, end));
    entry.bodyEnd = end;
    if (headerValue(bytes, next, stop, TRANSFER_ENCODING, place) && !takeChunks(bytes, entry)) {
      return REFUSAL.layout;
    }
    const refusal = setRequestLine(entry, start, textEnd(bytes, start, next));
    return refusal === REFUSAL.none ? checkRequest(entry) : refusal;
  }

  function takeChunks(bytes: Uint8Array, entry: LogEntry): boolean {
    joined ??= Buffer.alloc(RECORD_BYTES_MAX);
    const headBytes = entry.headEnd - entry.headStart;
    for (let i = 0; i < headBytes; i++) joined[i] = bytes[entry.headStart + i]!;
    const end = joinChunks(bytes, entry.bodyStart, entry.bodyEnd, joined, headBytes);
    if (end < 0) return false;
    entry.carried = joined;
    entry.headStart = 0;
    entry.headEnd = headBytes;
    entry.bodyStart = headBytes;
    entry.bodyEnd = end;
    return true;
  }

  /** Status and size of the reply in [start, end), and how long after the request its last byte came. */
  function takeReply(bytes: Uint8Array, start: number, end: number, entry: LogEntry): void {
    const head = lineEnd(bytes, start, end);
    const stampAt = find(bytes, start + 2, head, SPACE) + 1;
    const stampEnd = find(bytes, stampAt, textEnd(bytes, stampAt, head), SPACE);
    if (readStamp(bytes, stampAt, stampEnd, replyStamp)) {
      const tookNs = Math.max(0, readUint(bytes, stampEnd + 1, textEnd(bytes, stampAt, head)));
      const beganNs = (replyStamp.stampSec - entry.stampSec) * 1e9 + replyStamp.stampSubNs - entry.stampSubNs;
      entry.durationNs = Math.max(-1, beganNs + tookNs);
    }
    // "HTTP/1.1 200"
    entry.status = Math.max(0, readUint(bytes, head + 9, Math.min(end, head + 12)));
    const headers = lineEnd(bytes, head, end);
    const stop = headersEnd(bytes, headers, end);
    if (headerValue(bytes, headers, stop, CONTENT_LENGTH, place)) {
      entry.bodyBytes = readUint(bytes, place.start, place.end);
    } else if (!headerValue(bytes, headers, stop, TRANSFER_ENCODING, place)) {
      entry.bodyBytes = end - lineEnd(bytes, stop, end);
    }
  }

  return {
    escapes: 'none',
    stamped: 'start',
    carries: sessionHeader === undefined ? ['none'] : ['header', 'none'],
    parse(bytes, start, end, entry) {
      clearEntry(entry, bytes);
      if (end === start) return REFUSAL.aside;
      const head = lineEnd(bytes, start, end);
      if (bytes[start] !== REQUEST || bytes[start + 1] !== SPACE) {
        return isBinary(bytes, start, head) ? REFUSAL.binary : REFUSAL.layout;
      }
      const stampAt = find(bytes, start + 2, head, SPACE) + 1;
      const stampEnd = find(bytes, stampAt, textEnd(bytes, stampAt, head), SPACE);
      if (stampAt > head || !readStamp(bytes, stampAt, stampEnd, entry)) return REFUSAL.time;
      const found = Buffer.prototype.indexOf.call(bytes, PAYLOAD_SEPARATOR, head);
      const requestEnd = found < 0 || found >= end ? end : found;
      const refusal = takeHead(bytes, head, requestEnd, entry);
      if (refusal === REFUSAL.none && requestEnd < end) {
        takeReply(bytes, requestEnd + PAYLOAD_SEPARATOR.length, end, entry);
      }
      return refusal;
    },
  };
}
