/** From the variables of a template to an entry: what nginx, Apache, HAProxy and AWS ALB have in common. */
import { LoopscopeError } from '../../../../base/errors.ts';
import { isBinary, readNs, readUint } from '../../lines/bytes.ts';
import { setClientPort } from '../../lines/client-port.ts';
import { clearEntry, type Escapes, FIELD, type LogEntry, setField } from '../../lines/log-entry.ts';
import { REFUSAL, type Refusal } from '../../lines/refusal.ts';
import { checkRequest, setRequestLine, setTarget } from '../../lines/request-line.ts';
import { readStamp } from '../../lines/stamp.ts';
import type { LogParser, SessionKind } from '../log-format.ts';
import { CAPTURE, type Capture, Template, type TemplatePart } from './template.ts';

export type TemplateOptions = {
  parts: readonly TemplatePart[];
  stamped: 'start' | 'end';
  escapes?: Escapes;
  /** What a duration is written in. */
  durationUnitNs?: number;
  /** How errors name it: "--format". */
  where: string;
};

/** A parser of lines so laid out. Throws USAGE when there is no time, or nothing to ask for, in them. */
export function createTemplateParser(options: TemplateOptions): LogParser {
  const { parts, stamped, escapes = 'backslash', durationUnitNs = 1e9, where } = options;
  const template = new Template(parts, where);
  checkParts(template.has, where);
  const { captures, has } = template;
  const stamp = has.has(CAPTURE.fineStamp) ? CAPTURE.fineStamp : CAPTURE.stamp;
  const fraction = fractionOf(has);

  function take(bytes: Uint8Array, entry: LogEntry): Refusal {
    if (!readStamp(bytes, captures[2 * stamp]!, captures[2 * stamp + 1]!, entry)) return REFUSAL.time;
    if (fraction !== null && entry.grainNs === 1e9) addFraction(bytes, captures, fraction, entry);
    if (has.has(CAPTURE.duration)) {
      entry.durationNs = readNs(
        bytes,
        firstDigit(bytes, captures[2 * CAPTURE.duration]!),
        captures[2 * CAPTURE.duration + 1]!,
        durationUnitNs,
      );
    }
    entry.status = Math.max(0, numberOf(bytes, captures, CAPTURE.status));
    entry.bodyBytes = numberOf(bytes, captures, CAPTURE.bodyBytes);
    takeRequestBytes(entry);
    entry.port = Math.max(0, numberOf(bytes, captures, CAPTURE.port));
    setField(entry, FIELD.client, captures[2 * CAPTURE.client]!, captures[2 * CAPTURE.client + 1]!);
    if (has.has(CAPTURE.clientPort)) {
      setClientPort(entry, captures[2 * CAPTURE.clientPort]!, captures[2 * CAPTURE.clientPort + 1]!);
    }
    for (const [capture, field] of TEXTS) {
      setField(entry, field, captures[2 * capture]!, captures[2 * capture + 1]!);
    }
    return takeRequest(entry);
  }

  function takeRequestBytes(entry: LogEntry): void {
    const { bytes } = entry;
    if (has.has(CAPTURE.requestBytes)) entry.requestBytes = numberOf(bytes, captures, CAPTURE.requestBytes);
    if (entry.requestBytes >= 0 || !has.has(CAPTURE.requestLength)) return;
    entry.requestBytes = numberOf(bytes, captures, CAPTURE.requestLength);
    entry.requestHasHead = true;
  }

  function takeRequest(entry: LogEntry): Refusal {
    if (has.has(CAPTURE.request)) {
      const refusal = setRequestLine(
        entry,
        captures[2 * CAPTURE.request]!,
        captures[2 * CAPTURE.request + 1]!,
      );
      if (refusal !== REFUSAL.none) return refusal;
    } else {
      setField(entry, FIELD.method, captures[2 * CAPTURE.method]!, captures[2 * CAPTURE.method + 1]!);
      const refusal = setTarget(entry, captures[2 * CAPTURE.path]!, captures[2 * CAPTURE.path + 1]!);
      if (refusal !== REFUSAL.none) return refusal;
    }
    return checkRequest(entry);
  }

  return {
    escapes,
    stamped,
    carries: carriedBy(has),
    parse(bytes, start, end, entry) {
      clearEntry(entry, bytes);
      if (end === start || bytes[start] === 0x23) return REFUSAL.aside;
      if (template.match(bytes, start, end)) return take(bytes, entry);
      return isBinary(bytes, start, end) ? REFUSAL.binary : REFUSAL.layout;
    },
  };
}

const TEXTS = [
  [CAPTURE.host, FIELD.host],
  [CAPTURE.connection, FIELD.connection],
  [CAPTURE.userAgent, FIELD.userAgent],
  [CAPTURE.referrer, FIELD.referrer],
  [CAPTURE.session, FIELD.session],
] as const;

function checkParts(has: ReadonlySet<Capture>, where: string): void {
  if (!has.has(CAPTURE.stamp) && !has.has(CAPTURE.fineStamp)) {
    throw new LoopscopeError(
      'USAGE',
      `${where}: no time is in it`,
      'log $msec or $time_local (nginx), %t (Apache)',
    );
  }
  if (!has.has(CAPTURE.request) && !(has.has(CAPTURE.method) && has.has(CAPTURE.path))) {
    throw new LoopscopeError(
      'USAGE',
      `${where}: method and path are not in it`,
      'log "$request" (nginx), "%r" (Apache)',
    );
  }
}

function fractionOf(has: ReadonlySet<Capture>): { capture: Capture; unitNs: number } | null {
  if (has.has(CAPTURE.fractionUs)) return { capture: CAPTURE.fractionUs, unitNs: 1e3 };
  return has.has(CAPTURE.fractionMs) ? { capture: CAPTURE.fractionMs, unitNs: 1e6 } : null;
}

function addFraction(
  bytes: Uint8Array,
  captures: Int32Array,
  { capture, unitNs }: { capture: Capture; unitNs: number },
  entry: LogEntry,
): void {
  const value = numberOf(bytes, captures, capture);
  if (value < 0) return;
  entry.stampSubNs = value * unitNs;
  entry.grainNs = unitNs;
}

/** HAProxy writes "+123" for a request that had not ended when it was logged. */
function firstDigit(bytes: Uint8Array, start: number): number {
  return bytes[start] === 0x2b ? start + 1 : start;
}

function numberOf(bytes: Uint8Array, captures: Int32Array, capture: Capture): number {
  return readUint(bytes, captures[2 * capture]!, captures[2 * capture + 1]!);
}

function carriedBy(has: ReadonlySet<Capture>): SessionKind[] {
  const kinds: SessionKind[] = [];
  if (has.has(CAPTURE.connection)) kinds.push('connection');
  if (has.has(CAPTURE.clientPort) || (has.has(CAPTURE.client) && has.has(CAPTURE.port)))
    kinds.push('ip:port');
  if (has.has(CAPTURE.session)) kinds.push('header');
  const hasClient = has.has(CAPTURE.client) || has.has(CAPTURE.clientPort);
  if (hasClient && has.has(CAPTURE.userAgent)) kinds.push('ip+agent');
  if (hasClient) kinds.push('ip');
  return [...kinds, 'none'];
}
