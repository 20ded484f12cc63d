import { find, findLast } from '../lines/bytes.ts';
import { REFUSAL } from '../lines/refusal.ts';
import type { LogFormat, LogParser } from './log-format.ts';
import { partsFrom } from './template/named-parts.ts';
import { createTemplateParser } from './template/template-parser.ts';

/**
 * `option httplog`: %ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B …, behind whatever syslog puts before it. %tr is
 * when the request came, without a zone; %Ta is how long it was active, −1 in any of the five for what never happened.
 */
const LINE =
  '<clientPort> [<stamp>] <skip> <skip>/<skip> <skip>/<skip>/<skip>/<skip>/<duration> <status> <bodyBytes> <skip>"<request>"';
const SPACE = 0x20;
const BRACKET = 0x5b;

export const haproxy = {
  name: 'haproxy',
  summary: "HAProxy's HTTP log (option httplog), with or without what syslog writes before it",
  framing: 'lines',
  createParser(): LogParser {
    const inner = createTemplateParser({
      parts: partsFrom(LINE),
      stamped: 'start',
      escapes: 'hash',
      durationUnitNs: 1e6,
      where: 'haproxy',
    });
    return {
      ...inner,
      parse(bytes, start, end, entry) {
        const refusal = inner.parse(bytes, clientStart(bytes, start, end), end, entry);
        // "<BADREQ>" is how it writes what was no request.
        return refusal === REFUSAL.aside && end > start ? REFUSAL.layout : refusal;
      },
    };
  },
} satisfies LogFormat;

/** The word before the first " [": the client. */
function clientStart(bytes: Uint8Array, start: number, end: number): number {
  let bracket = find(bytes, start, end, BRACKET);
  // "haproxy[14389]: " has a bracket of its own, without a space before it.
  while (bracket < end && bytes[bracket - 1] !== SPACE) bracket = find(bytes, bracket + 1, end, BRACKET);
  if (bracket >= end) return start;
  return Math.max(start, findLast(bytes, start, bracket - 1, SPACE) + 1);
}
