import { LoopscopeError } from './errors.ts';

/** Where a socket connects or listens. */
export type Address = { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string };

/** A target as typed by the user: the socket's address, the protocol spoken on it, and what HTTP needs besides. */
export type Target = {
  text: string;
  address: Address;
  protocol: 'http' | 'frame';
  /** Request target and Host header of an HTTP target. */
  httpPath: string;
  httpHost: string;
};

const TARGET_HINT =
  'write http://host:port/path, tcp://host:port, unix:/path/to.sock or unix+http:/path/to.sock:/request/path';

/** Reads a target. `tcp://` and `unix:` speak the length-framed protocol. Throws TARGET_INVALID with the forms. */
export function parseTarget(text: string): Target {
  const unixHttp = /^unix\+http:([^:]+)(?::(\/.*))?$/.exec(text);
  if (unixHttp) {
    return { ...http({ kind: 'unix', path: unixHttp[1]! }, unixHttp[2] ?? '/', 'localhost'), text };
  }
  const unix = /^unix:(.+)$/.exec(text);
  if (unix) return { ...frame({ kind: 'unix', path: unix[1]! }), text };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new LoopscopeError('TARGET_INVALID', `"${text}" is not a target`, TARGET_HINT);
  }
  if (url.username !== '' || url.password !== '') {
    throw new LoopscopeError(
      'TARGET_INVALID',
      'a name and password in a target are not sent, and would stand in every report',
      "leave them out; --header 'Authorization: Basic …' sends them",
    );
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.protocol === 'http:' && host) {
    const address: Address = { kind: 'tcp', host, port: url.port === '' ? 80 : Number(url.port) };
    return { ...http(address, url.pathname + url.search, url.host), text };
  }
  if (url.protocol === 'tcp:' && host && url.port && !/^\/?$/.test(url.pathname + url.search)) {
    const hint = `write tcp://${url.host}`;
    throw new LoopscopeError('TARGET_INVALID', `"${text}": a tcp:// target has no path`, hint);
  }
  if (url.protocol === 'tcp:' && host && url.port) {
    return { ...frame({ kind: 'tcp', host, port: Number(url.port) }), text };
  }
  const why = url.protocol === 'https:' ? 'TLS is not supported' : `"${text}" is not a target`;
  throw new LoopscopeError('TARGET_INVALID', why, TARGET_HINT);
}

/** "127.0.0.1:8080", "[::1]:80" or "unix:/path". */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

function http(address: Address, httpPath: string, httpHost: string): Omit<Target, 'text'> {
  return { address, protocol: 'http', httpPath, httpHost };
}

function frame(address: Address): Omit<Target, 'text'> {
  return { address, protocol: 'frame', httpPath: '', httpHost: '' };
}
