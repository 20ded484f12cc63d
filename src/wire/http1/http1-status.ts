/** Status lines of HTTP/1.x (RFC 9112 §4). */
const PREFIX = 'HTTP/1.';
/** Where the minor version stands in the line. */
export const STATUS_MINOR_AT = PREFIX.length;
/** Status line without a reason: "HTTP/1.1 200". */
const STATUS_LINE_BYTES = 12;
const LF = 10;
const CR = 13;
const SP = 32;

/** Could [start, end) be the beginning of a reply? Garbage is known by its first bytes. */
export function plausible(bytes: Uint8Array, start: number, end: number): boolean {
  const last = Math.min(end - start, PREFIX.length);
  for (let i = 0; i < last; i++) if (bytes[start + i] !== PREFIX.charCodeAt(i)) return false;
  return true;
}

/**
 * The three digits of the status line "HTTP/1.x NNN reason" in [start, end), which ends with its LF; or −1. The reason
 * may be missing, with its blank. What comes before the digits' blank is taken for read up to the version.
 */
export function parseStatus(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < STATUS_LINE_BYTES + 1 || bytes[start + 8] !== SP) return -1;
  const minor = bytes[start + STATUS_MINOR_AT]! - 48;
  if (minor < 0 || minor > 9) return -1;
  let status = 0;
  for (let i = 9; i < STATUS_LINE_BYTES; i++) {
    const digit = bytes[start + i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  let at = start + STATUS_LINE_BYTES;
  // A client ignores what the reason says (RFC 9112 §4).
  if (bytes[at] === SP) while (bytes[at] !== CR && bytes[at] !== LF) at++;
  if (bytes[at] === CR) at++;
  return status >= 100 && bytes[at] === LF && at + 1 === end ? status : -1;
}
