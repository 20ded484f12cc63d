/** A forward proxy on the way to the target: as typed, and what of it may be shown. */
import { type Address, formatAddress, type Target } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { ForwardOptions } from '../wire/codec.ts';

/** Structured-clonable. */
export type ForwardProxy = {
  /** As reports show it: without name and password. */
  text: string;
  address: Address;
  /** What a Proxy-Authorization field says: "Basic …"; null: nothing is sent. A secret. */
  authorization: string | null;
  /** CONNECT: a tunnel for each connection. Else the proxy is asked for each request (absolute-form). */
  isTunnel: boolean;
};

/** Where the password is taken from when the address has a name alone. */
export const PASSWORD_VARIABLE = 'LOOPSCOPE_PROXY_PASSWORD';
/** What others take a proxy from. Not obeyed here: a load goes where it was sent. */
const OTHERS_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];

const FORMS = 'write --proxy http://host:port, http://user:password@host:port or unix:/path/to.sock';

/**
 * Reads "http://[user[:password]@]host:port" or "unix:/path". Whether it is asked for tunnels follows from the target,
 * which throws USAGE where no proxy can reach it, and from `wantsTunnel`.
 */
export function parseProxy(
  text: string,
  target: Pick<Target, 'address' | 'protocol' | 'text'>,
  wantsTunnel: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): ForwardProxy {
  if (target.address.kind === 'unix') {
    throw new LoopscopeError(
      'USAGE',
      `--proxy and ${target.text} contradict each other: a proxy reaches hosts, and no Unix socket of this machine`,
      'leave out --proxy',
    );
  }
  const isTunnel = wantsTunnel || target.protocol !== 'http';
  const unix = /^unix:(.+)$/.exec(text);
  if (unix) return { text, address: { kind: 'unix', path: unix[1]! }, authorization: null, isTunnel };
  const { url, userInfo, host, port } = readUrl(text);
  return {
    text: `http://${url.hostname}:${port}`,
    address: { kind: 'tcp', host, port },
    authorization: authorizationOf(url, userInfo.includes(':'), environment),
    isTunnel,
  };
}

function readUrl(text: string): { url: URL; userInfo: string; host: string; port: number } {
  const [, scheme = '', authority = ''] = /^([a-z0-9+.-]+):\/\/([^\s\\]*?)\/?$/i.exec(text) ?? [];
  const shown = `"${printable(withoutPassword(text), 200)}"`;
  if (/^(https|socks)/i.test(scheme)) {
    throw refused(`${shown}: ${/^https/i.test(scheme) ? 'TLS to a proxy' : 'SOCKS'} is not supported`);
  }
  const url = scheme.toLowerCase() === 'http' ? URL.parse(`http://${authority}/`) : null;
  if (url === null || `${url.pathname}${url.search}${url.hash}` !== '/') {
    throw refused(`${shown} is not a proxy`);
  }
  // URL leaves out port 80, whether it was typed or not; other tools take 1080 or 3128 for granted.
  const port = Number(/:(\d{1,5})$/.exec(authority)?.[1] ?? 0);
  if (port === 0) throw refused(`${shown} has no port, and tools differ in the one they take for granted`);
  const userInfo = authority.slice(0, Math.max(0, authority.lastIndexOf('@')));
  return { url, userInfo, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port };
}

/** RFC 7617: name and password as UTF-8, in base64. */
function authorizationOf(
  { username, password }: URL,
  hasPassword: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  if (username === '' && !hasPassword) return null;
  const secret = hasPassword ? decoded(password) : environment[PASSWORD_VARIABLE];
  if (secret === undefined) {
    throw new LoopscopeError(
      'USAGE',
      '--proxy: it has a name and no password',
      `set ${PASSWORD_VARIABLE}, or write http://user:password@host:port`,
    );
  }
  const name = decoded(username);
  if (name.includes(':')) throw refused('a name with a colon cannot be sent');
  return `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('name or password has a % that begins no %xx');
  }
}

function refused(message: string): LoopscopeError {
  return new LoopscopeError('USAGE', `--proxy: ${message}`, FORMS);
}

/** What stands before the last @ is left out where it has a password; a name alone stays. */
export function withoutPassword(text: string): string {
  const at = text.lastIndexOf('@');
  const scheme = /^[a-z0-9+.-]+:\/\//i.exec(text)?.[0] ?? '';
  if (at < 0 || !text.slice(scheme.length, at).includes(':')) return text;
  return `${scheme}***${text.slice(at)}`;
}

/** What the requests of a plan say to its proxy; undefined without one, and within tunnels. */
export function forwardOptions(
  proxy: ForwardProxy | null | undefined,
  target: Pick<Target, 'httpHost'>,
): ForwardOptions | undefined {
  if (!proxy || proxy.isTunnel) return undefined;
  return { origin: `http://${target.httpHost}`, authorization: proxy.authorization };
}

/** What asks the plan's proxy for a tunnel to its target (RFC 9110 §9.3.6); null when there are to be none. */
export function tunnelRequest({
  proxy,
  target,
}: {
  proxy: ForwardProxy | null;
  target: Pick<Target, 'address'>;
}): Uint8Array | null {
  if (!proxy?.isTunnel) return null;
  const authority = formatAddress(target.address);
  const fields = [`Host: ${authority}`];
  if (proxy.authorization !== null) fields.push(`Proxy-Authorization: ${proxy.authorization}`);
  return Buffer.from(`CONNECT ${authority} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** The name of a set variable that other tools would have taken a proxy from; null: none. */
export function variableNotObeyed(environment: Readonly<Record<string, string | undefined>>): string | null {
  return OTHERS_VARIABLES.find((name) => environment[name]) ?? null;
}
