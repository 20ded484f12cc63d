import { goHeader } from './caddy.ts';
import { createJsonParser } from './json/json-parser.ts';
import type { LogFormat } from './log-format.ts';

/** Traefik 2 and 3 with `accessLog.format: json`: the start, to the nanosecond. Headers are there when they are kept. */
export const traefik = {
  name: 'traefik',
  summary: "Traefik's access log as JSON",
  framing: 'lines',
  createParser: ({ sessionHeader }) =>
    createJsonParser({
      paths: {
        start: ['StartUTC', 'StartLocal'],
        duration: 'Duration',
        method: 'RequestMethod',
        path: 'RequestPath',
        host: ['RequestAddr', 'RequestHost'],
        status: 'DownstreamStatus',
        bytes: 'DownstreamContentSize',
        sent: 'RequestContentSize',
        client: ['ClientAddr', 'ClientHost'],
        port: ['ClientPort', 'ClientAddr'],
        ua: 'request_User-Agent',
        referer: 'request_Referer',
        ...(sessionHeader === undefined ? {} : { session: `request_${goHeader(sessionHeader)}` }),
      },
      durationUnitNs: 1,
      grainNs: 1,
      where: 'traefik',
    }),
} satisfies LogFormat;
