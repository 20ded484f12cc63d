import { LoopscopeError } from '../../../base/errors.ts';
import type { Escapes } from '../lines/log-entry.ts';
import type { LogFormat, ParserOptions } from './log-format.ts';
import { orByKeys } from './nginx-json.ts';
import { CAPTURE, type Capture, type TemplatePart } from './template/template.ts';
import { createTemplateParser } from './template/template-parser.ts';

/** nginx stamps a line when it writes it, at the end of the request; $request_time runs from its first byte. */
const VARIABLES: Readonly<Record<string, Capture>> = {
  remote_addr: CAPTURE.client,
  realip_remote_addr: CAPTURE.skip,
  remote_port: CAPTURE.port,
  time_local: CAPTURE.stamp,
  time_iso8601: CAPTURE.stamp,
  msec: CAPTURE.fineStamp,
  request: CAPTURE.request,
  request_method: CAPTURE.method,
  request_uri: CAPTURE.path,
  uri: CAPTURE.path,
  document_uri: CAPTURE.path,
  is_args: CAPTURE.query,
  args: CAPTURE.query,
  query_string: CAPTURE.query,
  status: CAPTURE.status,
  body_bytes_sent: CAPTURE.bodyBytes,
  request_time: CAPTURE.duration,
  content_length: CAPTURE.requestBytes,
  http_content_length: CAPTURE.requestBytes,
  request_length: CAPTURE.requestLength,
  connection: CAPTURE.connection,
  http_user_agent: CAPTURE.userAgent,
  http_referer: CAPTURE.referrer,
  http_host: CAPTURE.host,
  host: CAPTURE.host,
};

/** The one that nginx has by itself; where it writes "-", lighttpd writes the host asked for. */
export const COMBINED =
  '$remote_addr $ident $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

export const nginx = {
  name: 'nginx',
  summary: 'nginx by its log_format string, combined without one',
  framing: 'lines',
  createParser: (options) => createNginxParser(options.template ?? COMBINED, options),
} satisfies LogFormat;

function createNginxParser(template: string, { sessionHeader }: ParserOptions) {
  const { text, escapes } = withoutEscapeParameter(template);
  const parts = partsOf(text, sessionHeader);
  const parser = createTemplateParser({
    parts,
    stamped: 'end',
    escapes,
    where: '--format',
  });
  return escapes === 'json' ? orByKeys(parser, parts) : parser;
}

/** "escape=json $…": as it stands in nginx.conf behind the name. */
function withoutEscapeParameter(template: string): { text: string; escapes: Escapes } {
  const match = /^\s*escape=(default|json|none)\s+/.exec(template);
  const text = match ? template.slice(match[0].length) : template.trim();
  const named = match?.[1];
  return { text, escapes: named === 'json' || named === 'none' ? named : 'backslash' };
}

function partsOf(template: string, sessionHeader: string | undefined): TemplatePart[] {
  const wanted = sessionHeader?.toLowerCase().replaceAll('-', '_');
  const parts: TemplatePart[] = [];
  let literalFrom = 0;
  for (const match of template.matchAll(/\$(?:\{([a-z0-9_]+)\}|([a-z0-9_]+))/gi)) {
    const name = (match[1] ?? match[2])!;
    if (match.index > literalFrom) parts.push({ literal: template.slice(literalFrom, match.index) });
    const isSession = wanted !== undefined && (name === `http_${wanted}` || name === wanted);
    parts.push({ capture: isSession ? CAPTURE.session : captureOf(name), name: match[0] });
    literalFrom = match.index + match[0].length;
  }
  if (literalFrom < template.length) parts.push({ literal: template.slice(literalFrom) });
  if (parts.length > 0) return once(parts);
  throw new LoopscopeError('USAGE', '--format: the text is empty', 'copy the log_format of your nginx.conf');
}

function captureOf(name: string): Capture {
  return Object.hasOwn(VARIABLES, name) ? VARIABLES[name]! : CAPTURE.skip;
}

/** Of two variables for the same thing the first one counts; $time_local and $msec are not the same. */
function once(parts: readonly TemplatePart[]): TemplatePart[] {
  const seen = new Set<Capture>();
  return parts.map((part) => {
    if ('literal' in part || part.capture === CAPTURE.query) return part;
    if (seen.has(part.capture)) return { ...part, capture: CAPTURE.skip };
    seen.add(part.capture);
    return part;
  });
}
