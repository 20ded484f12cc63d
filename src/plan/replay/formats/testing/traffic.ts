/** One made traffic, and how each format writes it. */
import { createPrng } from '../../../../base/prng.ts';

/** A request with whole milliseconds, from BEGIN_SEC on. */
export type Sent = {
  startMs: number;
  tookMs: number;
  client: string;
  port: number;
  path: string;
  status: number;
};

export const BEGIN_SEC: number = Date.UTC(2026, 10, 29, 7, 4, 55) / 1000;

export function traffic(count: number, seed: number): Sent[] {
  const prng = createPrng(seed);
  let atMs = 0;
  return Array.from({ length: count }, (_, i) => {
    atMs += Math.round(prng.exponential(40));
    return {
      startMs: atMs,
      tookMs: prng.below(900),
      client: `127.0.0.${1 + prng.below(20)}`,
      port: 1024 + prng.below(60_000),
      path: `/item/${i}?q=${prng.below(100)}`,
      status: prng.below(10) === 0 ? 404 : 200,
    };
  });
}

/** How a format writes a request. */
export type Writer = {
  name: string;
  format: string;
  template?: string;
  fields?: string;
  grainNs: number;
  line(sent: Sent): string;
  /** Around and between the records, where they are not lines. */
  file?(records: readonly string[]): string;
};

const two = (value: number) => String(value).padStart(2, '0');

function common(ms: number): string {
  const at = new Date(BEGIN_SEC * 1000 + ms);
  return `29/Nov/2026:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

const iso = (ms: number) => new Date(BEGIN_SEC * 1000 + ms).toISOString();
const millis = (ms: number) => String(ms % 1000).padStart(3, '0');
const epoch = (ms: number) => ((BEGIN_SEC * 1000 + ms) / 1000).toFixed(3);
const secs = (ms: number) => (ms / 1000).toFixed(3);
const endMs = ({ startMs, tookMs }: Sent) => startMs + tookMs;

const NGINX_JSON =
  'escape=json {"t":"$msec","c":"$remote_addr:$remote_port","m":"$request_method","u":"$request_uri","s":$status,"d":$request_time}';

const TEXT: readonly Writer[] = [
  {
    name: 'nginx, combined with times',
    format: 'nginx-timed',
    grainNs: 1e6,
    line: (s) =>
      `${s.client} - - [${common(endMs(s))} +0000] "GET ${s.path} HTTP/1.1" ${s.status} 612 "-" "curl/7.88.1" ${secs(s.tookMs)} ${epoch(endMs(s))}`,
  },
  {
    name: 'nginx, escape=json',
    format: 'nginx',
    template: NGINX_JSON,
    grainNs: 1e6,
    line: (s) =>
      `{"t":"${epoch(endMs(s))}","c":"${s.client}:${s.port}","m":"GET","u":"${s.path}","s":${s.status},"d":${secs(s.tookMs)}}`,
  },
  {
    name: 'Apache, microseconds',
    format: 'apache',
    template: '%h %l %u %{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t \\"%r\\" %>s %b %D',
    grainNs: 1e3,
    line: (s) =>
      `${s.client} - - ${iso(s.startMs).slice(0, 19)}.${millis(s.startMs)}000 "GET ${s.path} HTTP/1.1" ${s.status} 612 ${s.tookMs * 1000}`,
  },
  {
    name: 'Apache, whole seconds of the start',
    format: 'apache',
    grainNs: 1e9,
    line: (s) =>
      `${s.client} - - [${common(s.startMs)} +0000] "GET ${s.path} HTTP/1.1" ${s.status} 612 "-" "curl/7.88.1"`,
  },
  {
    name: 'HAProxy behind syslog',
    format: 'haproxy',
    grainNs: 1e6,
    line: (s) =>
      `Nov 29 07:04:55 localhost haproxy[14389]: ${s.client}:${s.port} [${common(s.startMs)}.${millis(s.startMs)}] in back/one 0/0/1/5/${s.tookMs} ${s.status} 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET ${s.path} HTTP/1.1"`,
  },
  {
    name: 'AWS ALB',
    format: 'alb',
    grainNs: 1e3,
    line: (s) =>
      `http ${iso(endMs(s)).replace('Z', '000Z')} app/lb/50dc ${s.client}:${s.port} 10.0.0.1:80 0.000 0.001 0.000 ${s.status} 200 34 366 "GET http://www.example.com:80${s.path} HTTP/1.1" "curl/7.46.0" - - arn:aws:x "Root=1" "-" "-" 0 ${iso(s.startMs).replace('Z', '000Z')} "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"`,
  },
];

const JSON_LINES: readonly Writer[] = [
  {
    name: 'nginx, escape=json, written again by a shipper',
    format: 'nginx',
    template: NGINX_JSON,
    grainNs: 1e6,
    line: (s) =>
      JSON.stringify({
        host: { name: 'web-1' },
        d: Number(secs(s.tookMs)),
        u: s.path,
        m: 'GET',
        s: s.status,
        c: `${s.client}:${s.port}`,
        t: epoch(endMs(s)),
      }),
  },
  {
    name: 'Caddy',
    format: 'caddy',
    grainNs: 1e3,
    line: (s) =>
      JSON.stringify({
        level: 'info',
        ts: (BEGIN_SEC * 1000 + endMs(s)) / 1000,
        logger: 'http.log.access',
        msg: 'handled request',
        request: {
          remote_ip: s.client,
          remote_port: String(s.port),
          proto: 'HTTP/1.1',
          method: 'GET',
          host: 'localhost',
          uri: s.path,
          headers: { Accept: ['*/*'], 'User-Agent': ['curl/7.88.1'] },
        },
        user_id: '',
        duration: s.tookMs / 1000,
        size: 612,
        status: s.status,
        resp_headers: { Server: ['Caddy'] },
      }),
  },
  {
    name: 'Traefik',
    format: 'traefik',
    grainNs: 1,
    line: (s) =>
      JSON.stringify({
        ClientAddr: `${s.client}:${s.port}`,
        ClientHost: s.client,
        ClientPort: String(s.port),
        ClientUsername: '-',
        DownstreamContentSize: 612,
        DownstreamStatus: s.status,
        Duration: s.tookMs * 1e6,
        RequestAddr: 'localhost:8080',
        RequestMethod: 'GET',
        RequestPath: s.path,
        RequestProtocol: 'HTTP/1.1',
        StartUTC: iso(s.startMs).replace('Z', '000001Z'),
        entryPointName: 'web',
        'request_User-Agent': 'curl/7.88.1',
        time: iso(endMs(s)),
      }),
  },
  {
    name: 'Envoy',
    format: 'envoy',
    grainNs: 1e6,
    line: (s) =>
      JSON.stringify({
        start_time: iso(s.startMs),
        method: 'GET',
        path: s.path,
        protocol: 'HTTP/1.1',
        response_code: s.status,
        bytes_sent: 612,
        duration: s.tookMs,
        x_forwarded_for: null,
        user_agent: 'curl/7.88.1',
        authority: 'localhost',
        downstream_remote_address: `${s.client}:${s.port}`,
      }),
  },
  {
    name: 'JSON lines by --fields',
    format: 'json',
    fields: 'end=at.end,method=req.verb,path=req.url,duration:us=took,status=code,client=req.ip',
    grainNs: 1e6,
    line: (s) =>
      JSON.stringify({
        code: String(s.status),
        req: { url: `http://a.example${s.path}`, verb: 'GET', ip: s.client },
        took: s.tookMs * 1e3,
        at: { end: iso(endMs(s)) },
      }),
  },
];

const SEPARATOR = '\n🐵🙈🙉\n';
const nanos = (ms: number) => `${BEGIN_SEC * 1000 + ms}000000`;

const RECORDINGS: readonly Writer[] = [
  {
    name: 'GoReplay',
    format: 'gor',
    grainNs: 1,
    line: (s) =>
      [
        `1 ${s.port.toString(16).padStart(24, '0')} ${nanos(s.startMs)} 0\nGET ${s.path} HTTP/1.1\r\nHost: a.example\r\n\r\n`,
        `2 ${s.port.toString(16).padStart(24, '0')} ${nanos(endMs(s))} 0\nHTTP/1.1 ${s.status} OK\r\nContent-Length: 2\r\n\r\nok`,
      ].join(SEPARATOR),
    file: (records) => records.map((record) => record + SEPARATOR).join(''),
  },
  {
    name: 'HAR',
    format: 'har',
    grainNs: 1e6,
    line: (s) =>
      JSON.stringify({
        startedDateTime: iso(s.startMs),
        time: s.tookMs + 5,
        request: { method: 'GET', url: `http://a.example${s.path}`, headers: [], cookies: [] },
        response: { status: s.status, bodySize: 2, content: { size: 2, text: 'ok' } },
        timings: { blocked: 5, send: 0, wait: s.tookMs, receive: 0 },
        connection: '7',
      }),
    file: (records) => `{"log":{"version":"1.2","pages":[],"entries":[\n${records.join(',\n')}\n]}}`,
  },
];

export const WRITERS: readonly Writer[] = [...TEXT, ...JSON_LINES, ...RECORDINGS];
