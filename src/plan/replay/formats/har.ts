/**
 * HAR 1.2, as browsers export it: one entry of log.entries after another. An entry is an object that a person's browser
 * wrote, of which there are some hundreds, so it is parsed as one; what is wanted of it is then put where an entry's text
 * is, so that it is read like any other format's.
 */
import { RECORD_BYTES_MAX } from '../framing/splitter.ts';
import { clearEntry, FIELD, type Field, type LogEntry, setField } from '../lines/log-entry.ts';
import { REFUSAL, type Refusal } from '../lines/refusal.ts';
import { checkRequest, setTarget } from '../lines/request-line.ts';
import { readStamp } from '../lines/stamp.ts';
import type { LogFormat, LogParser } from './log-format.ts';

export const har = {
  name: 'har',
  summary: 'HAR 1.2 as browsers export it, with headers and bodies',
  framing: 'har',
  createParser: ({ sessionHeader }) => createHarParser(sessionHeader?.toLowerCase()),
} satisfies LogFormat;

type Values = { readonly [key: string]: unknown };

/** A header may have anything but what ends its line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const UNSENDABLE = /[\0-\x08\n-\x1f\x7f]/;
const NONE: Values = {};

function createHarParser(sessionHeader: string | undefined): LogParser {
  const text = new TextArea();

  function take(entry: LogEntry, values: Values): Refusal {
    const request = objectOf(values.request);
    if (!takeTimes(entry, values)) return REFUSAL.time;
    const response = objectOf(values.response);
    entry.status = countOf(response.status) ?? 0;
    entry.bodyBytes = countOf(response.bodySize) ?? countOf(objectOf(response.content).size) ?? -1;
    putField(entry, FIELD.connection, stringOf(values.connection));
    const url = stringOf(request.url);
    if (url === '') return REFUSAL.request;
    // Browsers also list what is no request of HTTP: data:, blob:, their extensions; WebSockets.
    if (!/^https?:\/\//i.test(url)) return REFUSAL.aside;
    if (!takeHead(entry, request)) return REFUSAL.layout;
    if (!takeBody(entry, objectOf(request.postData))) return REFUSAL.layout;
    putField(entry, FIELD.method, stringOf(request.method));
    const start = text.length;
    if (!text.put(url.split('#', 1)[0]!)) return REFUSAL.tooLong;
    const refusal = setTarget(entry, start, text.length);
    return refusal === REFUSAL.none ? checkRequest(entry) : refusal;
  }

  function takeTimes(entry: LogEntry, values: Values): boolean {
    const start = text.length;
    if (!text.put(stringOf(values.startedDateTime))) return false;
    if (!readStamp(text.bytes, start, text.length, entry)) return false;
    entry.durationNs = durationNs(values);
    return true;
  }

  /** Header lines, but for those of HTTP/2 that are none; false for what cannot be sent. */
  function takeHead(entry: LogEntry, request: Values): boolean {
    entry.headStart = text.length;
    for (const header of listOf(request.headers)) {
      const { name, value } = objectOf(header);
      if (typeof name !== 'string' || typeof value !== 'string' || name.startsWith(':')) continue;
      if (name === '' || /[\s:]/.test(name) || UNSENDABLE.test(name) || UNSENDABLE.test(value)) return false;
      if (!text.put(`${name}: ${value}\r\n`)) return false;
      const field = fieldOf(name.toLowerCase());
      if (field !== null) setField(entry, field, text.length - Buffer.byteLength(value) - 2, text.length - 2);
    }
    entry.headEnd = text.length;
    return true;
  }

  function fieldOf(name: string): Field | null {
    if (name === 'host') return FIELD.host;
    if (name === 'user-agent') return FIELD.userAgent;
    if (name === 'referer') return FIELD.referrer;
    return name === sessionHeader ? FIELD.session : null;
  }

  function takeBody(entry: LogEntry, postData: Values): boolean {
    entry.bodyStart = text.length;
    const body = typeof postData.text === 'string' ? postData.text : formOf(listOf(postData.params));
    const isPut =
      postData.encoding === 'base64' ? text.putBytes(Buffer.from(body, 'base64')) : text.put(body);
    entry.bodyEnd = text.length;
    return isPut;
  }

  function putField(entry: LogEntry, field: Field, value: string): void {
    const start = text.length;
    if (text.put(value)) setField(entry, field, start, text.length);
  }

  return {
    escapes: 'none',
    stamped: 'start',
    carries: sessionHeader === undefined ? ['connection', 'none'] : ['connection', 'header', 'none'],
    parse(bytes, start, end, entry) {
      text.length = 0;
      clearEntry(entry, text.bytes);
      entry.carried = text.bytes;
      if (end === start) return REFUSAL.aside;
      let value: unknown;
      try {
        value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString());
      } catch {
        return REFUSAL.json;
      }
      const values = objectOf(value);
      return values.request === undefined ? REFUSAL.layout : take(entry, values);
    },
  };
}

/** Where an entry's text is put together. */
class TextArea {
  readonly bytes: Buffer = Buffer.alloc(2 * RECORD_BYTES_MAX);
  length = 0;

  /** False when there is no more room. */
  put(value: string): boolean {
    return this.putBytes(Buffer.from(value));
  }

  putBytes(value: Uint8Array): boolean {
    if (this.length + value.length > this.bytes.length) return false;
    this.bytes.set(value, this.length);
    this.length += value.length;
    return true;
  }
}

/** What the server is likely to have taken: sending, waiting and receiving; else all of it. −1: not known. */
function durationNs({ timings, time }: Values): number {
  const { send, wait, receive } = objectOf(timings);
  const parts = [send, wait, receive].map(msOf);
  const ms = parts.every((part) => part !== null) ? parts.reduce((sum, part) => sum! + part!, 0) : msOf(time);
  return ms === null ? -1 : Math.round(ms! * 1e6);
}

function msOf(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value < 1e9 ? value : null;
}

/** A whole number from 0; null for any other, such as the −1 of what is not known. */
function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function objectOf(value: unknown): Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : NONE;
}

/** Fields of a form, where the body itself was not recorded. */
function formOf(params: readonly unknown[]): string {
  const form = new URLSearchParams();
  for (const param of params) {
    const { name, value } = objectOf(param);
    if (typeof name === 'string') form.append(name, stringOf(value));
  }
  return form.toString();
}
