import { LoopscopeError } from './errors.ts';
import { printable } from './printable.ts';

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

/**
 * Reads a target. `tcp://` and `unix:` speak the length-framed protocol. What is asked of an HTTP server stays exactly
 * as typed, `/a/../b` and `%2e` too; only a fragment is left out, which no client sends. Throws TARGET_INVALID with the
 * forms.
 */
export function parseTarget(text: string): Target {
  refuseOthersForms(text);
  // The first ":/" begins the request path: colons in the name of the socket are its own.
  const unixHttp = /^unix\+http:(.+?)(?::(\/.*))?$/.exec(text);
  if (unixHttp) {
    const asked = requestTarget(unixHttp[2] ?? '/', text);
    return { ...http({ kind: 'unix', path: unixHttp[1]! }, asked, 'localhost'), text };
  }
  const unix = /^unix:(.+)$/.exec(text);
  if (unix) return { ...frame({ kind: 'unix', path: unix[1]! }), text };
  const parts = /^(http|https|tcp):\/\/([^/?#]*)(.*)$/is.exec(text);
  const scheme = parts?.[1]?.toLowerCase();
  if (!parts) throw invalid(`"${printable(text, 200)}" is not a target`, withScheme(text));
  if (scheme === 'https') throw invalid('TLS is not supported', TARGET_HINT);
  const { host, port, shown } = readAuthority(parts[2]!, text);
  const rest = parts[3]!;
  if (scheme === 'http') {
    const address: Address = { kind: 'tcp', host, port: port ?? 80 };
    return { ...http(address, requestTarget(rest, text), shown), text };
  }
  if (port === null) throw invalid(`"${printable(text, 200)}": a tcp:// target needs a port`, TARGET_HINT);
  if (rest === '' || rest === '/') return { ...frame({ kind: 'tcp', host, port }), text };
  throw invalid(`"${printable(text, 200)}": a tcp:// target has no path`, `write tcp://${shown}`);
}

/** How others write a Unix socket: told how we do. */
function refuseOthersForms(text: string): void {
  const nginx = /^http:\/\/unix:([^:]+)(?::(\/.*)?)?$/.exec(text);
  const encoded = /^http\+unix:\/\/([^/]+)(\/.*)?$/.exec(text);
  const [, path, asked] = nginx ?? encoded ?? [];
  if (path === undefined) return;
  const socket = nginx ? path : path.replace(/%2f/gi, '/');
  throw invalid(
    `"${printable(text, 200)}" is not how a Unix socket is written here`,
    `write unix+http:${socket}:${asked ?? '/'}`,
  );
}

/** Host and port: the one part that a URL parser reads. `shown`: as the Host header has it. */
function readAuthority(
  authority: string,
  text: string,
): { host: string; port: number | null; shown: string } {
  let url: URL;
  try {
    url = new URL(`http://${authority}/`);
  } catch {
    throw invalid(`"${printable(text, 200)}" is not a target`, TARGET_HINT);
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      'a name and password in a target are not sent, and would stand in every report',
      "leave them out; --header 'Authorization: Basic …' sends them",
    );
  }
  // The parser takes a backslash for a slash, and drops tabs and line breaks: here they are faults.
  if (/[\s\\]/.test(authority)) {
    throw invalid(`"${printable(text, 200)}": "${printable(authority, 60)}" is not a host`, TARGET_HINT);
  }
  const typedPort = authority.slice(authority.lastIndexOf(':'));
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: /^:\d{1,5}$/.test(typedPort) ? Number(typedPort.slice(1)) : null, shown: url.host };
}

/** Path and query as they will stand in the request line (RFC 9112 §3.2.1). */
function requestTarget(rest: string, text: string): string {
  const hash = rest.indexOf('#');
  const asked = hash < 0 ? rest : rest.slice(0, hash);
  const fault = /[^\x21-\x7e]/u.exec(asked)?.[0];
  if (fault === undefined) return asked.startsWith('/') ? asked : `/${asked}`;
  const what =
    fault === ' ' ? 'a space' : fault < ' ' || fault === '\x7f' ? 'a control character' : `"${fault}"`;
  const lone = /[\ud800-\udfff]/u.test(fault);
  throw invalid(
    `"${printable(text, 200)}" has ${what} in its path, which a request line cannot hold`,
    `paths are sent as they are typed: write it ${lone ? 'with percent signs' : encodeURIComponent(fault)}`,
  );
}

/** What is probably meant by a target without a scheme. */
function withScheme(text: string): string {
  const isHost = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?(\/[\x21-\x7e]*)?$/i.test(text);
  return isHost && /[.:]|^localhost/.test(text)
    ? `try http://${text}, or ${TARGET_HINT.slice('write '.length)}`
    : TARGET_HINT;
}

function invalid(message: string, hint: string): LoopscopeError {
  return new LoopscopeError('TARGET_INVALID', message, hint);
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
