/**
 * nginx's log_format that is itself a JSON object: which key holds which variable, so that lines are still read when a
 * shipper has put their keys in another order, or its own beside them.
 */

import { REFUSAL } from '../lines/refusal.ts';
import { createJsonParser, type JsonField, type JsonLayout } from './json/json-parser.ts';
import type { LogParser } from './log-format.ts';
import { CAPTURE, type Capture, type TemplatePart } from './template/template.ts';

const FIELD_OF: Partial<Record<Capture, JsonField>> = {
  [CAPTURE.request]: 'request',
  [CAPTURE.method]: 'method',
  [CAPTURE.path]: 'path',
  [CAPTURE.host]: 'host',
  [CAPTURE.status]: 'status',
  [CAPTURE.bodyBytes]: 'bytes',
  [CAPTURE.requestBytes]: 'sent',
  [CAPTURE.duration]: 'duration',
  [CAPTURE.client]: 'client',
  [CAPTURE.clientPort]: 'client',
  [CAPTURE.port]: 'port',
  [CAPTURE.connection]: 'connection',
  [CAPTURE.userAgent]: 'ua',
  [CAPTURE.referrer]: 'referer',
  [CAPTURE.session]: 'session',
};

/** `byTemplate`, with lines that are not laid out so read by their keys, where the template is JSON and names enough. */
export function orByKeys(byTemplate: LogParser, parts: readonly TemplatePart[]): LogParser {
  const byKeys = parserByKeys(parts);
  if (byKeys === null) return byTemplate;
  return {
    ...byTemplate,
    parse(bytes, start, end, entry) {
      const refusal = byTemplate.parse(bytes, start, end, entry);
      return refusal === REFUSAL.layout ? byKeys.parse(bytes, start, end, entry) : refusal;
    },
  };
}

function parserByKeys(parts: readonly TemplatePart[]): LogParser | null {
  const value = asJson(parts);
  if (value === null) return null;
  const paths: Partial<Record<JsonField, string>> = {};
  const stamps: Partial<Record<Capture, string>> = {};
  visit(value, '', (path, text) => {
    const capture = captureOf(text, parts);
    if (capture === CAPTURE.stamp || capture === CAPTURE.fineStamp) stamps[capture] = path;
    const field = capture === null ? undefined : FIELD_OF[capture];
    if (field !== undefined) paths[field] = path;
    if (capture === CAPTURE.clientPort) paths.port = path;
  });
  const end = stamps[CAPTURE.fineStamp] ?? stamps[CAPTURE.stamp];
  const isEnough = end !== undefined && (paths.request !== undefined || (paths.method && paths.path));
  if (!isEnough) return null;
  const layout: JsonLayout = { paths: { ...paths, end }, where: '--format' };
  return createJsonParser(layout);
}

/** Before and behind the number of a variable: no log_format has it. */
const MARK = '\u0001';

/** The template as JSON, each variable a string between marks; null when it is none. */
function asJson(parts: readonly TemplatePart[]): unknown {
  let text = '';
  let quoted = false;
  parts.forEach((part, i) => {
    if ('literal' in part) {
      text += part.literal;
      for (const letter of part.literal.replaceAll(/\\./g, '')) if (letter === '"') quoted = !quoted;
    } else {
      const mark = `\\u0001${i}\\u0001`;
      text += quoted ? mark : `"${mark}"`;
    }
  });
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The one variable that a value consists of, or address and port. */
function captureOf(value: string, parts: readonly TemplatePart[]): Capture | null {
  const [before, index, between, second, after] = value.split(MARK);
  if (before !== '' || index === undefined) return null;
  const capture = (each: string) => (parts[Number(each)] as { capture: Capture }).capture;
  if (between === '' && second === undefined) return capture(index);
  const isPair = between === ':' && after === '' && second !== undefined;
  const isClientPort = isPair && capture(index) === CAPTURE.client && capture(second) === CAPTURE.port;
  return isClientPort ? CAPTURE.clientPort : null;
}

function visit(value: unknown, path: string, found: (path: string, text: string) => void): void {
  if (typeof value === 'string') found(path, value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [key, below] of Object.entries(value)) visit(below, path === '' ? key : `${path}.${key}`, found);
}
