/** From the values of a JSON object to an entry: what Caddy, Traefik, Envoy and everyone's own JSON have in common. */
import { LoopscopeError } from '../../../../base/errors.ts';
import { find, findLast, isBinary, readNs, readUint } from '../../lines/bytes.ts';
import { setClientPort } from '../../lines/client-port.ts';
import { clearEntry, FIELD, type LogEntry, setField } from '../../lines/log-entry.ts';
import { REFUSAL, type Refusal } from '../../lines/refusal.ts';
import { checkRequest, setRequestLine, setTarget } from '../../lines/request-line.ts';
import { createStamp, readStamp, type Stamp } from '../../lines/stamp.ts';
import type { LogParser, SessionKind } from '../log-format.ts';
import { JsonScanner, KIND } from './json-scanner.ts';

/** What can be taken from a JSON line. */
export const JSON_FIELDS = [
  'time',
  'start',
  'end',
  'duration',
  'request',
  'method',
  'path',
  'host',
  'status',
  'bytes',
  /** Of the request's body. */
  'sent',
  'client',
  'port',
  'connection',
  'ua',
  'referer',
  'session',
] as const;

export type JsonField = (typeof JSON_FIELDS)[number];

export type JsonLayout = {
  /** Where each is found: the first of the paths that the line has. `port` may be where `client` is: "address:port". */
  paths: Readonly<Partial<Record<JsonField, string | readonly string[]>>>;
  /** What a duration is written in. */
  durationUnitNs?: number;
  /** What stamps are cut to where their last zeros are not written, as by Go. */
  grainNs?: number;
  /** How errors name it: "--fields". */
  where: string;
};

/**
 * A parser of JSON lines so laid out. `time` is when the line was written, which is the end of a request; `start` is its
 * start. Of a line with both `start` and `end` the difference is the duration. Throws USAGE when there is no time, or
 * nothing to ask for, in them.
 */
export function createJsonParser(layout: JsonLayout): LogParser {
  const { durationUnitNs = 1e9, grainNs = 1e9 } = layout;
  checkLayout(layout);
  const { scanner, has, values } = valuesOf(layout);
  const stamped = has('start') ? 'start' : 'end';
  const stampField = has('start') ? 'start' : has('end') ? 'end' : 'time';
  const hasBothEnds = has('start') && has('end') && !has('duration');
  const endStamp: Stamp = createStamp();

  function takeTime(bytes: Uint8Array, entry: LogEntry): Refusal {
    if (!values.find(stampField) || !readStamp(bytes, values.start, values.end, entry)) return REFUSAL.time;
    if (values.isNumber || entry.grainNs < 1e9) entry.grainNs = Math.min(entry.grainNs, grainNs);
    if (values.find('duration')) {
      entry.durationNs = readNs(bytes, values.start, values.end, durationUnitNs);
    } else if (hasBothEnds && values.find('end') && readStamp(bytes, values.start, values.end, endStamp)) {
      const tookNs = (endStamp.stampSec - entry.stampSec) * 1e9 + endStamp.stampSubNs - entry.stampSubNs;
      entry.durationNs = Math.max(-1, tookNs);
    }
    return REFUSAL.none;
  }

  function take(bytes: Uint8Array, entry: LogEntry): Refusal {
    const refusal = takeTime(bytes, entry);
    if (refusal !== REFUSAL.none) return refusal;
    if (values.find('status')) entry.status = Math.max(0, readUint(bytes, values.start, values.end));
    if (values.find('bytes')) entry.bodyBytes = readUint(bytes, values.start, values.end);
    if (values.find('sent')) entry.requestBytes = readUint(bytes, values.start, values.end);
    if (values.find('client')) setClient(entry, values.start, values.end);
    if (values.find('port')) entry.port = Math.max(entry.port, readUint(bytes, values.start, values.end));
    for (let i = 0; i < TEXTS.length; i++) {
      const [name, field] = TEXTS[i]!;
      if (values.find(name)) setField(entry, field, values.start, values.end);
    }
    return takeRequest(entry);
  }

  function takeRequest(entry: LogEntry): Refusal {
    let refusal: Refusal;
    if (has('request')) {
      if (!values.find('request')) return REFUSAL.request;
      refusal = setRequestLine(entry, values.start, values.end);
    } else {
      if (!values.find('method')) return REFUSAL.request;
      setField(entry, FIELD.method, values.start, values.end);
      if (!values.find('path')) return REFUSAL.request;
      refusal = setTarget(entry, values.start, values.end);
    }
    return refusal === REFUSAL.none ? checkRequest(entry) : refusal;
  }

  return {
    escapes: 'json',
    stamped,
    carries: carriedBy(has),
    parse(bytes, start, end, entry) {
      clearEntry(entry, bytes);
      if (end === start || bytes[start] === 0x23) return REFUSAL.aside;
      // Behind what a container's or system's log writes before it.
      const brace = find(bytes, start, end, 0x7b);
      if (brace < end && scanner.scan(bytes, brace, end)) return take(bytes, entry);
      if (isBinary(bytes, start, end)) return REFUSAL.binary;
      return brace < end ? REFUSAL.json : REFUSAL.layout;
    },
  };
}

const TEXTS = [
  ['host', FIELD.host],
  ['connection', FIELD.connection],
  ['ua', FIELD.userAgent],
  ['referer', FIELD.referrer],
  ['session', FIELD.session],
] as const;

/** The values of the line last scanned: find() puts one at start and end. */
type Values = { find(field: JsonField): boolean; start: number; end: number; isNumber: boolean };

function valuesOf({ paths }: JsonLayout): {
  scanner: JsonScanner;
  has: (field: JsonField) => boolean;
  values: Values;
} {
  const all: string[] = [];
  const leaves: Partial<Record<JsonField, number[]>> = {};
  for (const field of JSON_FIELDS) {
    const ofField = paths[field];
    if (ofField !== undefined) leaves[field] = [ofField].flat().map((path) => leafOf(path, all));
  }
  const scanner = new JsonScanner(all);
  const { kinds, ranges } = scanner;
  const values: Values = {
    start: 0,
    end: 0,
    isNumber: false,
    find(field) {
      const ofField = leaves[field];
      if (ofField === undefined) return false;
      for (let i = 0; i < ofField.length; i++) {
        const leaf = ofField[i]!;
        if (kinds[leaf] === KIND.absent) continue;
        values.start = ranges[2 * leaf]!;
        values.end = ranges[2 * leaf + 1]!;
        values.isNumber = kinds[leaf] === KIND.scalar;
        return true;
      }
      return false;
    },
  };
  return { scanner, has: (field) => leaves[field] !== undefined, values };
}

/** Two fields may be in one value: a time that is read twice. */
function leafOf(path: string, all: string[]): number {
  const known = all.indexOf(path);
  return known >= 0 ? known : all.push(path) - 1;
}

/** "address:port", or an address: an IPv6 one alone has colons, and no brackets. */
function setClient(entry: LogEntry, start: number, end: number): void {
  const { bytes } = entry;
  const isAddressAlone =
    bytes[start] !== 0x5b && find(bytes, start, end, 0x3a) !== findLast(bytes, start, end, 0x3a);
  if (isAddressAlone) setField(entry, FIELD.client, start, end);
  else setClientPort(entry, start, end);
}

function checkLayout({ paths, where }: JsonLayout): void {
  if (paths.time === undefined && paths.start === undefined && paths.end === undefined) {
    throw new LoopscopeError('USAGE', `${where}: no time is in it`, 'say which key it has: time=ts');
  }
  if (paths.request === undefined && (paths.method === undefined || paths.path === undefined)) {
    throw new LoopscopeError(
      'USAGE',
      `${where}: method and path are not in it`,
      'say which keys they have: method=req.method,path=req.url, or request=KEY for "GET / HTTP/1.1"',
    );
  }
}

function carriedBy(has: (field: JsonField) => boolean): SessionKind[] {
  const kinds: SessionKind[] = [];
  if (has('connection')) kinds.push('connection');
  if (has('port')) kinds.push('ip:port');
  if (has('session')) kinds.push('header');
  if (has('client') && has('ua')) kinds.push('ip+agent');
  if (has('client')) kinds.push('ip');
  return [...kinds, 'none'];
}
