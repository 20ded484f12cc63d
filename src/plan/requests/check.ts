/**
 * What a reply must be to count as good. A ResponseCheck is plain data that can be sent to a thread; checkReply() reads
 * it. Only requests whose kind has one pay for it: status ranges cost little, headers and bodies must be captured.
 */

import type { OwnValues } from './own-values.ts';

/** Made by compileCheck(); every part carries its own reason, so that failures are counted under a few fixed texts. */
export type ResponseCheck = {
  /** Inclusive ranges; a protocol without statuses has 0. */
  readonly status: readonly StatusRange[];
  readonly statusReason: string;
  readonly headers: readonly HeaderCheck[];
  readonly body: readonly BodyCheck[];
  /** How much of a payload the parser must keep for this check; 0 when the body is not looked at. */
  readonly captureBytes: number;
};

export type StatusRange = readonly [from: number, to: number];

/**
 * Instead of a value that is the same for all requests of a kind: the number of the request's own, among its OwnValues.
 * There a text is in UTF-8, and a JSON value is its text.
 */
type Own = { readonly own: number };

/** `name` is in lower case. Where a reply repeats a header, one of its values must pass. */
export type HeaderCheck = { readonly name: string; readonly reason: string } & (
  | { readonly rule: 'present' | 'absent' }
  | ({ readonly rule: 'equals' } & ({ readonly value: string; readonly own?: never } | Own))
  | { readonly rule: 'matches'; readonly pattern: RegExp }
);

export type BodyCheck = { readonly reason: string } & (
  | ({ readonly rule: 'contains' | 'equals' } & ({ readonly bytes: Uint8Array; readonly own?: never } | Own))
  | { readonly rule: 'length'; readonly minBytes: number; readonly maxBytes: number }
  | { readonly rule: 'json-present'; readonly path: JsonPath }
  | ({ readonly rule: 'json-equals'; readonly path: JsonPath } & (
      | { readonly value: unknown; readonly own?: never }
      | Own
    ))
);

/** Member names and array indexes from the root. */
export type JsonPath = readonly (string | number)[];

/** Without a check of its own a request is answered well by any status below 400. */
export const DEFAULT_STATUS: readonly StatusRange[] = [[0, 399]];

/** What a check looks at; a ReplyParser has it, and makes texts and views only when they are read. */
export type CheckedReply = {
  readonly status: number;
  readonly headerText: string;
  readonly body: Uint8Array;
};

/** A request whose kind has no values of its own. */
const NO_VALUES: OwnValues = { bytes: () => new Uint8Array(0) };

/**
 * Null when the reply passes, else the reason, one of the texts in `check`. `own` are the values of the request that it
 * answers. Of the reply only what the check looks at is read: a status alone costs no text.
 */
export function checkReply(
  check: ResponseCheck,
  reply: CheckedReply,
  own: OwnValues = NO_VALUES,
): string | null {
  if (!statusPasses(check, reply.status)) return check.statusReason;
  if (check.headers.length > 0) {
    const reason = failedHeader(check.headers, reply.headerText, own);
    if (reason !== null) return reason;
  }
  return check.body.length === 0 ? null : failedBody(check.body, reply.body, own);
}

/** The most that any check needs of a payload. */
export function captureBytesOf(checks: readonly (ResponseCheck | null)[]): number {
  return checks.reduce((most, check) => Math.max(most, check?.captureBytes ?? 0), 0);
}

/** True when a check reads headers: a parser then has to keep them. */
export function readsHeaders(checks: readonly (ResponseCheck | null)[]): boolean {
  return checks.some((check) => check !== null && check.headers.length > 0);
}

/** By index: nothing is allocated for a reply whose status is all that counts. */
function statusPasses({ status: ranges }: ResponseCheck, status: number): boolean {
  for (let i = 0; i < ranges.length; i++) {
    if (status >= ranges[i]![0] && status <= ranges[i]![1]) return true;
  }
  return false;
}

function failedHeader(checks: readonly HeaderCheck[], headerText: string, own: OwnValues): string | null {
  for (const header of checks) if (!headerPasses(header, headerText, own)) return header.reason;
  return null;
}

function failedBody(checks: readonly BodyCheck[], body: Uint8Array, own: OwnValues): string | null {
  let json: unknown;
  let parsed = false;
  for (const rule of checks) {
    if (rule.rule === 'json-present' || rule.rule === 'json-equals') {
      if (!parsed) json = parseJson(body);
      parsed = true;
      if (!jsonPasses(rule, json, own)) return rule.reason;
    } else if (!bodyPasses(rule, body, own)) {
      return rule.reason;
    }
  }
  return null;
}

function headerPasses(check: HeaderCheck, headerText: string, own: OwnValues): boolean {
  let found = false;
  const wanted = check.rule === 'equals' ? headerValue(check, own) : '';
  for (let start = 0; start < headerText.length; ) {
    const newline = headerText.indexOf('\n', start);
    const end = newline < 0 ? headerText.length : newline;
    if (nameIsAt(headerText, start, check.name)) {
      found = true;
      const value = headerText.slice(start + check.name.length + 1, end).trim();
      if (check.rule === 'equals' && value === wanted) return true;
      if (check.rule === 'matches' && check.pattern.test(value)) return true;
    }
    start = end + 1;
  }
  return check.rule === 'present' ? found : check.rule === 'absent' && !found;
}

/** In the letters of a header block, one for each byte. */
function headerValue(check: Extract<HeaderCheck, { rule: 'equals' }>, own: OwnValues): string {
  return check.own === undefined ? check.value : bufferOf(own.bytes(check.own)).toString('latin1').trim();
}

/** Field names are compared without regard to case (RFC 9110 §5.1). */
function nameIsAt(text: string, start: number, lowerCaseName: string): boolean {
  const end = start + lowerCaseName.length;
  return text[end] === ':' && text.slice(start, end).toLowerCase() === lowerCaseName;
}

function bodyPasses(
  check: Exclude<BodyCheck, { path: JsonPath }>,
  body: Uint8Array,
  own: OwnValues,
): boolean {
  if (check.rule === 'length') return body.length >= check.minBytes && body.length <= check.maxBytes;
  const wanted = check.own === undefined ? check.bytes : own.bytes(check.own);
  const bytes = bufferOf(body);
  return check.rule === 'equals' ? bytes.equals(wanted) : bytes.includes(wanted);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Undefined, which JSON cannot say, when the body is not JSON. */
function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(bufferOf(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

function jsonPasses(check: Extract<BodyCheck, { path: JsonPath }>, json: unknown, own: OwnValues): boolean {
  let at = json;
  for (const step of check.path) {
    const container = typeof step === 'number' ? Array.isArray(at) : isPlainObject(at);
    if (!container || !Object.hasOwn(at as object, step)) return false;
    at = (at as Record<string | number, unknown>)[step];
  }
  if (check.rule === 'json-present') return at !== undefined;
  return sameJson(at, check.own === undefined ? check.value : parseJson(own.bytes(check.own)));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equal as JSON: the order of members does not count. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  }
  if (!isPlainObject(a) || !isPlainObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
}
