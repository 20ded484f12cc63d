import { findLast, readUint } from './bytes.ts';
import { FIELD, type LogEntry, setField } from './log-entry.ts';

/** "127.0.0.1:4711", "::1:4711", "[::1]:4711": address and port, at the last colon. An address alone has no port. */
export function setClientPort(entry: LogEntry, start: number, end: number): void {
  const { bytes } = entry;
  const colon = findLast(bytes, start, end, 0x3a);
  const port = colon < 0 ? -1 : readUint(bytes, colon + 1, end);
  if (port < 0) {
    setField(entry, FIELD.client, start, end);
    return;
  }
  entry.port = port;
  const bracketed = bytes[start] === 0x5b && bytes[colon - 1] === 0x5d;
  setField(entry, FIELD.client, bracketed ? start + 1 : start, bracketed ? colon - 1 : colon);
}
