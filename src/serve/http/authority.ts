/** Host and port as they stand in a Host field or in an absolute target (RFC 9110 §7.2, RFC 3986 §3.2). */
// Invariants
//  A1  isHostAndPort() allocates nothing.

const COLON = 58;
const OPEN = 91;
const CLOSE = 93;

/** RFC 3986 §2: unreserved, sub-delims, and the percent of what is encoded. No "@": users have no place here. */
const NAME = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=%") {
  NAME[char.charCodeAt(0)] = 1;
}

/** uri-host [ ":" port ]. The host may be empty: whether that is right, the caller knows. */
export function isHostAndPort(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (at < end && bytes[at] === OPEN) {
    at++;
    const literal = at;
    while (at < end && (NAME[bytes[at]!] === 1 || bytes[at] === COLON)) at++;
    if (at === literal || at === end || bytes[at] !== CLOSE) return false;
    at++;
  } else {
    while (at < end && NAME[bytes[at]!] === 1) at++;
  }
  if (at === end) return true;
  if (bytes[at] !== COLON) return false;
  for (at++; at < end; at++) if (bytes[at]! < 48 || bytes[at]! > 57) return false;
  return true;
}
