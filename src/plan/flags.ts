/** What is typed for requests and sockets, read: pure, and every refusal is USAGE and names the option. */
import { isIPv4, isIPv6 } from 'node:net';
import { LoopscopeError } from '../base/errors.ts';
import { nearMiss } from '../base/input/near-miss.ts';
import { HTTP_FIELD_VALUE, HTTP_TOKEN } from '../wire/http1/http1-words.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
export const MAX_SOURCE_COUNT = 65_536;

/** "Name: value" → name and value. */
export function parseHeader(text: string, option = '--header'): readonly [name: string, value: string] {
  const colon = text.indexOf(':');
  const example = `write ${option} 'Accept: text/html'`;
  if (colon < 0) throw new LoopscopeError('USAGE', `${option}: "${text}" has no colon`, example);
  const name = text.slice(0, colon).trim();
  const value = text.slice(colon + 1).trim();
  if (!HTTP_TOKEN.test(name))
    throw new LoopscopeError('USAGE', `${option}: "${name}" is not a header name`, example);
  // A line break in a value would be a second header, or a second request.
  if (!HTTP_FIELD_VALUE.test(value)) {
    throw new LoopscopeError(
      'USAGE',
      `${option}: the value of ${name} has characters that a header cannot hold`,
      'encode it, for instance with percent signs',
    );
  }
  const lower = name.toLowerCase();
  if (lower === 'transfer-encoding' || lower === 'content-length') {
    throw new LoopscopeError('USAGE', `${option}: ${name} follows from the body`, 'leave it out');
  }
  return [name, value];
}

/** A method's token, in capitals as it is sent; a misspelt common one is refused. */
export function parseMethod(text: string, option = '--method'): string {
  const method = text.trim();
  if (!HTTP_TOKEN.test(method))
    throw new LoopscopeError('USAGE', `${option}: "${text}" is not a method`, `try ${option} POST`);
  const upper = method.toUpperCase();
  if (METHODS.includes(upper)) return upper;
  const near = method.length > 2 ? nearMiss(upper, METHODS) : null;
  if (near === null) return method;
  throw new LoopscopeError('USAGE', `${option}: "${text}" is not a known method`, `did you mean ${near}?`);
}

/** "127.0.0.2", "127.0.0.2-127.0.0.50", "127.0.0.2-50", "127.1.0.0/24", or several with commas → addresses. */
export function parseSources(text: string, option = '--source'): string[] {
  const all = text.split(',').flatMap((part) => sourceRange(part.trim(), option));
  if (all.length > MAX_SOURCE_COUNT) throw tooMany(all.length, option);
  const seen = new Set(all);
  if (seen.size < all.length)
    throw new LoopscopeError('USAGE', `${option}: "${text}" names an address twice`);
  return all;
}

function sourceRange(part: string, option: string): string[] {
  const example = `write ${option} 127.0.0.2-127.0.0.50, 127.0.0.2-50 or 127.1.0.0/24`;
  const refuse = (what: string) => new LoopscopeError('USAGE', `${option}: ${what}`, example);
  if (isIPv6(part)) return [part];
  const slash = /^([^/]+)\/(\d{1,2})$/.exec(part);
  const [first, last] = slash ? [slash[1]!, null] : (part.split('-') as [string, string?]);
  if (!isIPv4(first)) throw refuse(`"${first}" is not an address`);
  const from = toNumber(first);
  let to = from;
  if (slash) {
    const bits = Number(slash[2]);
    if (bits < 8 || bits > 32) throw refuse(`"/${bits}" is not a prefix length from 8 to 32`);
    const count = 2 ** (32 - bits);
    if (from % count !== 0) throw refuse(`${first} does not begin a network of /${bits}`);
    to = from + count - 1;
  } else if (last !== undefined && last !== null) {
    const end = /^\d{1,3}$/.test(last) ? `${first.slice(0, first.lastIndexOf('.') + 1)}${last}` : last;
    if (!isIPv4(end)) throw refuse(`"${last}" is not an address`);
    to = toNumber(end);
  }
  if (to < from) throw refuse(`"${part}" runs backwards`);
  if (to - from + 1 > MAX_SOURCE_COUNT) throw tooMany(to - from + 1, option);
  return Array.from({ length: to - from + 1 }, (_, i) => toAddress(from + i));
}

function tooMany(count: number, option: string): LoopscopeError {
  return new LoopscopeError(
    'USAGE',
    `${option}: ${count} addresses, at most ${MAX_SOURCE_COUNT} can take turns`,
  );
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
