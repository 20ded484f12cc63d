/** Which formats come into question, by what was typed. */
import { LoopscopeError } from '../../../base/errors.ts';
import { nearMiss } from '../../../base/input/near-miss.ts';
import { printable } from '../../../base/printable.ts';
import { logFormatOf, readNginxConf } from '../nginx-conf/nginx-conf.ts';
import type { LogFormat, ParserOptions } from './log-format.ts';
import { LOG_FORMATS } from './registry.ts';

/** As typed. Can be cloned into a worker. */
export type FormatOptions = {
  /** --format: a format's name, or the log's own log_format or LogFormat string. */
  format?: string;
  /** --fields: "time=ts,method=req.method,…", which key of a JSON line holds what. */
  fields?: string;
  /** --nginx-conf: where its log_format stands; `format` is then a name there. */
  nginxConf?: string;
  /** Of the logs: which access_log of `nginxConf` wrote them. */
  files?: readonly string[];
  /** The header whose value tells clients apart. */
  sessionHeader?: string;
};

export type Candidate = { format: LogFormat; options: ParserOptions };

/** Names that people have for what another one reads. */
const ALIASES: Readonly<Record<string, string>> = { combined: 'nginx', vhost_combined: 'apache-vhost' };

const NGINX_VARIABLE = /\$(?:\{[a-z0-9_]+\}|[a-z0-9_]+)/gi;
const APACHE_DIRECTIVE = /%(?:!?\d+(?:,\d+)*)?[<>]?(?:\{[^}]*\})?[a-zA-Z]/g;

/** The formats to try, the likeliest first. Throws USAGE for a format that there is not. */
export function candidatesFor(typed: FormatOptions): Candidate[] {
  const { format, fields, nginxConf, files = [], sessionHeader } = typed;
  const options: ParserOptions = {
    ...(fields === undefined ? {} : { fields }),
    ...(sessionHeader === undefined ? {} : { sessionHeader }),
  };
  if (fields !== undefined) {
    if (format !== undefined && format !== 'json') {
      throw new LoopscopeError(
        'USAGE',
        '--fields is for JSON lines, and --format says otherwise',
        'give one',
      );
    }
    return [{ format: formatNamed('json'), options }];
  }
  if (nginxConf !== undefined) {
    const template = logFormatOf(readNginxConf(nginxConf), format, files);
    return [{ format: formatNamed('nginx'), options: { ...options, template } }];
  }
  if (format === undefined) {
    return LOG_FORMATS.filter(({ needs }) => needs === undefined).map((each) => ({ format: each, options }));
  }
  const name = ALIASES[format] ?? format;
  if (LOG_FORMATS.some((each) => each.name === name)) return [{ format: formatNamed(name), options }];
  return [{ format: templateFormat(format), options: { ...options, template: format } }];
}

/** nginx's variables begin with $, Apache's with %. */
function templateFormat(text: string): LogFormat {
  const variables = text.match(NGINX_VARIABLE)?.length ?? 0;
  const directives = text.match(APACHE_DIRECTIVE)?.length ?? 0;
  if (variables > 0 && variables >= directives) return formatNamed('nginx');
  if (directives > 0) return formatNamed('apache');
  const names = LOG_FORMATS.map(({ name }) => name);
  const near = nearMiss(text, names);
  throw new LoopscopeError(
    'USAGE',
    `--format: "${printable(text, 60)}" is not a format, and has no variables of nginx ($request) or Apache (%r)`,
    near === null ? `there are ${names.join(', ')}` : `did you mean ${near}?`,
  );
}

function formatNamed(name: string): LogFormat {
  return LOG_FORMATS.find((format) => format.name === name)!;
}
