/** "GET /path HTTP/1.1" taken apart, and what cannot be sent again refused. */
import { find, findLast } from './bytes.ts';
import { escapeByte, unescapeInto } from './field-text.ts';
import { FIELD, type LogEntry, setField } from './log-entry.ts';
import { REFUSAL, type Refusal } from './refusal.ts';

const SPACE = 0x20;
const SLASH = 0x2f;
const METHOD_LENGTH_MAX = 24;
/** Nothing that a server takes is longer. */
const PATH_BYTES_MAX = 65_536;
const plainPath = new Uint8Array(PATH_BYTES_MAX);

/** Method, path and, of an absolute one, the host. */
export function setRequestLine(entry: LogEntry, start: number, end: number): Refusal {
  const { bytes } = entry;
  const methodEnd = find(bytes, start, end, SPACE);
  if (methodEnd === end) return REFUSAL.request;
  const last = findLast(bytes, methodEnd + 1, end, SPACE);
  // HTTP/0.9 has no version.
  const isVersion =
    last >= 0 && end - last > 5 && (bytes[last + 1]! | 0x20) === 0x68 && bytes[last + 5] === SLASH;
  setField(entry, FIELD.method, start, methodEnd);
  return setTarget(entry, methodEnd + 1, isVersion ? last : end);
}

/** The path in [start, end), or an absolute URL. */
export function setTarget(entry: LogEntry, start: number, end: number): Refusal {
  const { bytes } = entry;
  let from = start;
  const scheme = bytes[start] === SLASH ? -1 : schemeEnd(bytes, start, end);
  if (scheme > 0) {
    from = find(bytes, scheme, end, SLASH);
    const query = find(bytes, scheme, from, 0x3f);
    from = Math.min(from, query);
    setField(entry, FIELD.host, scheme, from);
    // "http://host" asks for its root; the slash before the host is as good as any.
    if (from === end) {
      entry.ranges[2 * FIELD.path] = scheme - 1;
      entry.ranges[2 * FIELD.path + 1] = scheme;
      return REFUSAL.none;
    }
    if (bytes[from] !== SLASH) return REFUSAL.request;
  }
  entry.ranges[2 * FIELD.path] = from;
  entry.ranges[2 * FIELD.path + 1] = end;
  return REFUSAL.none;
}

/** Behind "http://"; −1 for anything else. */
function schemeEnd(bytes: Uint8Array, start: number, end: number): number {
  const colon = find(bytes, start, Math.min(end, start + 8), 0x3a);
  const isScheme =
    colon > start && colon + 2 < end && bytes[colon + 1] === SLASH && bytes[colon + 2] === SLASH;
  return isScheme ? colon + 3 : -1;
}

/** Whether method and path are such as can be sent. */
export function checkRequest(entry: LogEntry): Refusal {
  const { bytes, ranges } = entry;
  const methodStart = ranges[2 * FIELD.method]!;
  const methodEnd = ranges[2 * FIELD.method + 1]!;
  if (methodEnd === methodStart || methodEnd - methodStart > METHOD_LENGTH_MAX) return REFUSAL.request;
  for (let at = methodStart; at < methodEnd; at++) {
    const letter = bytes[at]! | 0x20;
    if ((letter < 0x61 || letter > 0x7a) && bytes[at] !== 0x2d && bytes[at] !== 0x5f) return REFUSAL.request;
  }
  const start = ranges[2 * FIELD.path]!;
  const end = ranges[2 * FIELD.path + 1]!;
  if (end === start || end - start > PATH_BYTES_MAX) return REFUSAL.request;
  const mark = escapeByte(entry.escapes);
  if (bytes[start] !== SLASH && !(bytes[start] === 0x2a && end - start === 1)) {
    return bytes[start] === mark ? checkEscaped(entry, start, end) : REFUSAL.request;
  }
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte <= SPACE || byte === 0x7f) return REFUSAL.request;
    if (byte === mark) return checkEscaped(entry, start, end);
  }
  return REFUSAL.none;
}

function checkEscaped(entry: LogEntry, start: number, end: number): Refusal {
  const length = unescapeInto(entry.bytes, start, end, entry.escapes, plainPath);
  if (length < 0) return REFUSAL.escape;
  if (plainPath[0] !== SLASH) return REFUSAL.request;
  for (let at = 0; at < length; at++) {
    const byte = plainPath[at]!;
    if (byte <= SPACE || byte === 0x7f) return REFUSAL.request;
  }
  return REFUSAL.none;
}
