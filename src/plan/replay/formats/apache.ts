import { LoopscopeError } from '../../../base/errors.ts';
import type { LogFormat } from './log-format.ts';
import { CAPTURE, type Capture, type TemplatePart } from './template/template.ts';
import { createTemplateParser } from './template/template-parser.ts';

const DIRECTIVES: Readonly<Record<string, Capture>> = {
  h: CAPTURE.client,
  a: CAPTURE.client,
  r: CAPTURE.request,
  m: CAPTURE.method,
  U: CAPTURE.path,
  q: CAPTURE.query,
  s: CAPTURE.status,
  b: CAPTURE.bodyBytes,
  B: CAPTURE.bodyBytes,
  // mod_logio
  I: CAPTURE.requestLength,
  D: CAPTURE.duration,
  T: CAPTURE.duration,
  v: CAPTURE.host,
  V: CAPTURE.host,
};

const HEADERS: Readonly<Record<string, Capture>> = {
  'user-agent': CAPTURE.userAgent,
  referer: CAPTURE.referrer,
  host: CAPTURE.host,
  'content-length': CAPTURE.requestBytes,
};

const COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"';
const DURATION_UNITS_NS: Readonly<Record<string, number>> = { s: 1e9, ms: 1e6, us: 1e3 };

type Built = { parts: TemplatePart[]; stamped: 'start' | 'end'; durationUnitNs: number };

/** %t is when the request came; %{end:…}t when it had been answered. */
export const apache = {
  name: 'apache',
  summary: 'Apache by its LogFormat string, combined without one',
  framing: 'lines',
  createParser: ({ template, sessionHeader }) =>
    createTemplateParser({ ...build(template ?? COMBINED, sessionHeader), where: '--format' }),
} satisfies LogFormat;

function build(template: string, sessionHeader: string | undefined): Built {
  const text = template.trim().replaceAll('\\"', '"').replaceAll('\\t', '\t').replaceAll('\\\\', '\\');
  const built: Built = { parts: [], stamped: 'start', durationUnitNs: 1e9 };
  const seen = new Set<Capture>();
  let literalFrom = 0;
  // %[!400,501][<>]{argument}letter
  for (const match of text.matchAll(/%(?:!?\d+(?:,\d+)*)?[<>]?(?:\{([^}]*)\})?(\^ti|\^to|[a-zA-Z%])/g)) {
    const literal = text.slice(literalFrom, match.index);
    if (literal !== '') built.parts.push({ literal });
    literalFrom = match.index + match[0].length;
    const [name, argument = '', letter = ''] = match;
    if (letter === '%') {
      built.parts.push({ literal: '%' });
    } else if (letter === 't') {
      addTime(built, name, argument, seen);
    } else {
      const capture = captureOf(letter, argument, sessionHeader?.toLowerCase());
      if (capture === CAPTURE.duration && !seen.has(capture)) {
        built.durationUnitNs = letter === 'D' ? 1e3 : (DURATION_UNITS_NS[argument] ?? 1e9);
      }
      add(built, name, capture, seen);
    }
  }
  if (literalFrom < text.length) built.parts.push({ literal: text.slice(literalFrom) });
  return { ...built, parts: mergeStamps(built.parts) };
}

/** "%{%F %T}t.%{msec_frac}t %{%z}t": a stamp, its fraction and its zone that follow one another are read as one. */
function mergeStamps(parts: readonly TemplatePart[]): TemplatePart[] {
  const merged: TemplatePart[] = [];
  for (const part of parts) {
    merged.push(part);
    for (const [separator, isNext] of STAMP_ENDS) {
      const count = separator === '' ? 2 : 3;
      const [stamp, second, third] = merged.slice(-count);
      const between =
        separator === '' || (second !== undefined && 'literal' in second && second.literal === separator);
      const last = separator === '' ? second : third;
      if (stamp === undefined || last === undefined || !between || !('capture' in stamp && 'capture' in last))
        continue;
      if (stamp.capture !== CAPTURE.stamp || !isNext(last)) continue;
      merged.splice(-count, count, { capture: CAPTURE.stamp, name: `${stamp.name}${separator}${last.name}` });
    }
  }
  return merged;
}

type Variable = { capture: Capture; name: string };

const ZONE = '%{%z}t';
const isFraction = ({ capture }: Variable) =>
  capture === CAPTURE.fractionMs || capture === CAPTURE.fractionUs;
const isZone = ({ name }: Variable) => name === ZONE;
const STAMP_ENDS: readonly [separator: string, isNext: (part: Variable) => boolean][] = [
  ['.', isFraction],
  [' ', isZone],
  ['', isZone],
];

function add(built: Built, name: string, capture: Capture, seen: Set<Capture>): void {
  const taken = seen.has(capture) && capture !== CAPTURE.query ? CAPTURE.skip : capture;
  seen.add(capture);
  built.parts.push({ capture: taken, name });
}

function captureOf(letter: string, argument: string, sessionHeader: string | undefined): Capture {
  if (letter === 'i' || letter === 'C') {
    const header = argument.toLowerCase();
    return header === sessionHeader ? CAPTURE.session : (HEADERS[header] ?? CAPTURE.skip);
  }
  // The port of the client, and the number of the connection; %p alone is the server's port.
  if (letter === 'p') return argument === 'remote' ? CAPTURE.port : CAPTURE.skip;
  if (letter === 'L') return argument === 'c' ? CAPTURE.connection : CAPTURE.skip;
  if (letter === 'a' && argument === 'c') return CAPTURE.skip;
  return DIRECTIVES[letter] ?? CAPTURE.skip;
}

/** %t has its brackets with it; %{…}t is one number, or what strftime(3) writes. */
function addTime(built: Built, name: string, argument: string, seen: Set<Capture>): void {
  if (argument === '') {
    built.parts.push({ literal: '[' });
    add(built, name, CAPTURE.stamp, seen);
    built.parts.push({ literal: ']' });
    return;
  }
  const [, end, what = ''] = /^(?:begin:|(end:))?(.*)$/.exec(argument)!;
  if (end !== undefined) built.stamped = 'end';
  if (what === 'msec_frac' || what === 'usec_frac') {
    add(built, name, what === 'msec_frac' ? CAPTURE.fractionMs : CAPTURE.fractionUs, seen);
  } else if (what === '%z') {
    built.parts.push({ capture: CAPTURE.skip, name });
  } else if (what === 'msec' || what === 'usec') {
    add(built, name, CAPTURE.fineStamp, seen);
  } else if (/^(sec|%s|(%Y-%m-%d|%F)[T ](%H:%M:%S|%T)( ?%z|Z)?|%d\/%b\/%Y:(%H:%M:%S|%T)( %z)?)$/.test(what)) {
    add(built, name, CAPTURE.stamp, seen);
  } else {
    throw new LoopscopeError(
      'USAGE',
      `--format: ${name} is a time that is not understood`,
      'understood are %t, %{sec}t, %{msec}t, %{usec}t, their fractions, and %{%Y-%m-%dT%H:%M:%S%z}t',
    );
  }
}
