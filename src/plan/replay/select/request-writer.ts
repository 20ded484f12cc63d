/**
 * A request as HTTP/1.1 bytes, straight from those of the log.
 *
 * Invariants
 *  E1  write() allocates nothing, and writes no more than bound() said.
 *  E2  No byte of a log can end a line: what would is left out with its header; a path with one never comes here.
 */
import { saysClose } from '../../requests/requests.ts';
import { beginsWith } from '../lines/bytes.ts';
import { escapeByte, unescapeInto } from '../lines/field-text.ts';
import { FIELD, type Field, hasField, type LogEntry } from '../lines/log-entry.ts';
import type { ReplayOptions, ReplayRewrite } from '../replay-options.ts';
import { copyHeadLines, LeftOutNames } from './head-lines.ts';
import { announcesBody } from './methods.ts';

/** A longer user agent or referrer would be refused by any server. */
const VALUE_BYTES_MAX = 16_384;

const VERSION = Buffer.from(' HTTP/1.1\r\n');
const HOST = Buffer.from('Host: ');
const USER_AGENT = Buffer.from('User-Agent: ');
const REFERRER = Buffer.from('Referer: ');
const LENGTH = Buffer.from('Content-Length: ');
const LINE_END = Buffer.from('\r\n');

const ASTERISK = 0x2a;

type Rewrite = { from: Uint8Array; to: Uint8Array };

export class RequestWriter {
  /** "Connection: close" is among the headers given. */
  readonly closes: boolean;
  /** What a proxy is told before the path. */
  readonly #origin: Uint8Array;
  readonly #host: Uint8Array;
  readonly #headers: Uint8Array;
  readonly #replaced: ReadonlySet<string>;
  readonly #leftOut: LeftOutNames;
  readonly #rewrites: readonly Rewrite[];
  /** Bytes beside those of the log. */
  readonly #extraBytes: number;

  constructor(options: ReplayOptions) {
    const { host, forward, rewrites = [] } = options;
    const headers = headersOf(options);
    const names = headers.map(([name]) => name.toLowerCase());
    this.#origin = Buffer.from(forward?.origin ?? '');
    this.#replaced = new Set(names);
    this.#leftOut = new LeftOutNames([...names, 'host']);
    this.#host = Buffer.from(host);
    this.#headers = Buffer.from(headers.map(([name, value]) => `${name}: ${value}\r\n`).join(''));
    this.#rewrites = rewrites.map(toBytes);
    this.closes = saysClose({ headers });
    const longest = Math.max(0, ...this.#rewrites.map(({ to }) => to.length));
    this.#extraBytes = 256 + this.#host.length + this.#origin.length + this.#headers.length + longest;
  }

  /** write() writes no more than this. */
  bound(entry: LogEntry): number {
    let bytes = this.#extraBytes + entry.headEnd - entry.headStart + entry.bodyEnd - entry.bodyStart;
    for (const field of WRITTEN) bytes += entry.ranges[2 * field + 1]! - entry.ranges[2 * field]!;
    return bytes;
  }

  /** Writes the request of `entry` at `at`; a body of `fillBytes` is announced, and not written. Where it ends. */
  write(entry: LogEntry, method: number, fillBytes: number, out: Uint8Array, at: number): number {
    const { bytes, ranges, carried } = entry;
    let end = copy(bytes, ranges[2 * FIELD.method]!, ranges[2 * FIELD.method + 1]!, out, at);
    out[end++] = 0x20;
    end = this.#writePath(entry, out, append(this.#origin, out, end));
    end = append(VERSION, out, end);
    if (!this.#replaced.has('host')) {
      const withHost = this.#writeField(HOST, 'host', FIELD.host, entry, out, end);
      end = withHost > end ? withHost : this.#writeHost(out, end);
    }
    if (entry.headEnd > entry.headStart) {
      end = copyHeadLines(carried, entry.headStart, entry.headEnd, this.#leftOut, out, end);
    } else {
      end = this.#writeField(USER_AGENT, 'user-agent', FIELD.userAgent, entry, out, end);
      end = this.#writeField(REFERRER, 'referer', FIELD.referrer, entry, out, end);
    }
    end = append(this.#headers, out, end);
    const bodyBytes = entry.bodyEnd - entry.bodyStart;
    if (bodyBytes + fillBytes > 0 || announcesBody(method)) {
      end = append(LENGTH, out, end);
      end = writeDecimal(bodyBytes > 0 ? bodyBytes : fillBytes, out, end);
      end = append(LINE_END, out, end);
    }
    end = append(LINE_END, out, end);
    return copy(carried, entry.bodyStart, entry.bodyEnd, out, end);
  }

  #writeHost(out: Uint8Array, at: number): number {
    return append(LINE_END, out, append(this.#host, out, append(HOST, out, at)));
  }

  #writePath(entry: LogEntry, out: Uint8Array, at: number): number {
    // The parser has made sure that it can be.
    const end = at + unescapeAt(entry, FIELD.path, out, at);
    // "OPTIONS *" is asked of a proxy without a path. RFC 9112 §3.2.4
    if (this.#origin.length > 0 && out[at] === ASTERISK) return at;
    return this.#rewrites.length === 0 ? end : this.#rewrite(out, at, end);
  }

  /** The path is at [start, end) of `out`; where it ends afterwards. */
  #rewrite(out: Uint8Array, start: number, end: number): number {
    for (const { from, to } of this.#rewrites) {
      if (!beginsWith(out, start, end, from)) continue;
      out.copyWithin(start + to.length, start + from.length, end);
      out.set(to, start);
      return end + to.length - from.length;
    }
    return end;
  }

  /** A header line of what the log has in `field`; nothing where it has none that could be sent. */
  #writeField(
    label: Uint8Array,
    name: string,
    field: Field,
    entry: LogEntry,
    out: Uint8Array,
    at: number,
  ): number {
    if (!hasField(entry, field) || this.#replaced.has(name)) return at;
    if (entry.ranges[2 * field + 1]! - entry.ranges[2 * field]! > VALUE_BYTES_MAX) return at;
    const valueAt = append(label, out, at);
    const length = unescapeAt(entry, field, out, valueAt);
    if (length <= 0) return at;
    for (let i = valueAt; i < valueAt + length; i++) {
      const byte = out[i]!;
      if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) return at;
    }
    return append(LINE_END, out, valueAt + length);
  }
}

const WRITTEN: readonly Field[] = [FIELD.method, FIELD.path, FIELD.host, FIELD.userAgent, FIELD.referrer];

/** Those given, and what lets us through the proxy. */
function headersOf({ headers = [], forward }: ReplayOptions): NonNullable<ReplayOptions['headers']> {
  const isGiven = headers.some(([name]) => name.toLowerCase() === 'proxy-authorization');
  if (!forward?.authorization || isGiven) return headers;
  return [...headers, ['Proxy-Authorization', forward.authorization]];
}

function toBytes({ from, to }: ReplayRewrite): Rewrite {
  return { from: Buffer.from(from), to: Buffer.from(to) };
}

/** A field without its escapes; the length, −1 for a broken one. Most have none, and are copied. */
function unescapeAt(entry: LogEntry, field: Field, out: Uint8Array, at: number): number {
  const { bytes, ranges, escapes } = entry;
  const start = ranges[2 * field]!;
  const end = ranges[2 * field + 1]!;
  const mark = escapeByte(escapes);
  const shift = at - start;
  for (let from = start; from < end; from++) {
    const byte = bytes[from]!;
    if (byte === mark) return unescapeInto(bytes, start, end, escapes, out, at);
    out[from + shift] = byte;
  }
  return end - start;
}

function append(text: Uint8Array, out: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) out[at + i] = text[i]!;
  return at + text.length;
}

function copy(from: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  for (let i = start; i < end; i++) out[at + i - start] = from[i]!;
  return at + end - start;
}

/** A whole number in decimal digits. */
function writeDecimal(value: number, out: Uint8Array, at: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  let rest = value;
  for (let i = digits - 1; i >= 0; i--) {
    out[at + i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return at + digits;
}
