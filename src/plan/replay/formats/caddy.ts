import { createJsonParser } from './json/json-parser.ts';
import type { LogFormat } from './log-format.ts';

/** Caddy 2 stamps a line when it writes it, in seconds since 1970; it cuts Cookie and Authorization out of the headers. */
export const caddy = {
  name: 'caddy',
  summary: "Caddy's access log (JSON)",
  framing: 'lines',
  createParser: ({ sessionHeader }) =>
    createJsonParser({
      paths: {
        time: 'ts',
        duration: 'duration',
        method: 'request.method',
        path: 'request.uri',
        host: 'request.host',
        status: 'status',
        bytes: 'size',
        sent: 'bytes_read',
        client: ['request.remote_ip', 'request.remote_addr'],
        port: 'request.remote_port',
        ua: 'request.headers.User-Agent',
        referer: 'request.headers.Referer',
        ...(sessionHeader === undefined ? {} : { session: `request.headers.${goHeader(sessionHeader)}` }),
      },
      // A double holds the seconds of today to a quarter of a microsecond.
      grainNs: 1e3,
      where: 'caddy',
    }),
} satisfies LogFormat;

/** "x-user-id" as Go's net/http keeps it: "X-User-Id". */
export function goHeader(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase());
}
