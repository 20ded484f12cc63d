/** Name and password of the Basic scheme (RFC 7617). */
import { isUtf8 } from 'node:buffer';
import { textOf } from '../host.ts';
import type { Credentials } from '../way.ts';

/** Longest that is decoded, as base64. */
const TOKEN_LENGTH_MOST = 1024;
const COLON = 58;

/** Of a field's value, bytes [start, end); null for another scheme, or what is not two texts in UTF-8. */
export function readBasic(bytes: Uint8Array, start: number, end: number): Credentials | null {
  if (end - start > TOKEN_LENGTH_MOST) return null;
  const value = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(textOf(bytes, start, end));
  if (!value || value[1]!.length % 4 !== 0) return null;
  const decoded = Buffer.from(value[1]!, 'base64');
  // One spelling for each text: bits behind the last byte would make several.
  if (!isUtf8(decoded) || decoded.toString('base64') !== value[1]) return null;
  const text = decoded.toString('utf8');
  const colon = text.indexOf(':');
  // RFC 7617 §2: no control characters.
  if (colon < 0 || /\p{Cc}/u.test(text)) return null;
  // As bytes from now on: those can be wiped.
  return {
    name: text.slice(0, colon),
    password: Uint8Array.from(decoded.subarray(decoded.indexOf(COLON) + 1)),
  };
}
