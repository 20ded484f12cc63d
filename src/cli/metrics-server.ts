/** An address that answers GET /metrics. Loopback unless told otherwise: names of processes are nobody else's business. */
import { createServer, type Server } from 'node:http';
import { LoopscopeError } from '../base/errors.ts';

export type MetricsServer = {
  /** "http://127.0.0.1:9435/metrics". */
  readonly url: string;
  [Symbol.dispose](): void;
};

/** What `registry` of prom-client offers. */
export type Scraped = { metrics(): Promise<string>; readonly contentType: string };

const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_METRICS_PORT = 9435;
/** A scraper asks now and then; whoever holds a hundred connections open is none. */
const CONNECTION_LIMIT = 32;
const TIMEOUT_MS = 5000;

/** "9435", ":9435", "0.0.0.0:9435", "[::1]:9435", "host". Throws USAGE. */
export function parseMetricsAddress(text: string): { host: string; port: number } {
  const match = /^(?:(\[[\da-fA-F:.]+\]|[^:[\]\s]*))?(?::(\d+))?$/.exec(
    /^\d+$/.test(text) ? `:${text}` : text,
  );
  const port = match?.[2] === undefined ? DEFAULT_METRICS_PORT : Number(match[2]);
  if (!match || port > 65_535) {
    throw new LoopscopeError(
      'USAGE',
      `--prometheus: "${text}" is not an address`,
      'try --prometheus 9435, or --prometheus 0.0.0.0:9435',
    );
  }
  return { host: match[1]?.replace(/^\[|\]$/g, '') || DEFAULT_HOST, port };
}

/** Listens; throws USAGE when the address cannot be had. */
export async function serveMetrics(text: string, scraped: Scraped): Promise<MetricsServer> {
  const { host, port } = parseMetricsAddress(text);
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead || (path !== '/metrics' && path !== '/')) {
      response.writeHead(isRead ? 404 : 405, { 'content-type': 'text/plain' });
      response.end(isRead ? 'see /metrics\n' : 'GET only\n');
      return;
    }
    if (path === '/') {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('loopscope; see /metrics\n');
      return;
    }
    scraped.metrics().then(
      (body) => {
        response.writeHead(200, { 'content-type': scraped.contentType });
        response.end(request.method === 'HEAD' ? undefined : body);
      },
      (error) => {
        response.writeHead(500, { 'content-type': 'text/plain' });
        response.end(`${error instanceof Error ? error.message : error}\n`);
      },
    );
  });
  server.maxConnections = CONNECTION_LIMIT;
  server.requestTimeout = server.headersTimeout = TIMEOUT_MS;
  server.keepAliveTimeout = TIMEOUT_MS;
  await listen(server, host, port);
  // The watch decides when all ends, not who scrapes it.
  server.unref();
  const address = server.address();
  const bound = address !== null && typeof address === 'object' ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/metrics`,
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is taken' : error.message;
      const hint = 'choose another, or port 0 for any free one';
      reject(
        new LoopscopeError('USAGE', `--prometheus: cannot listen on ${host}:${port}: ${why}`, hint, error),
      );
    });
    server.listen(port, host, resolve);
  });
}
