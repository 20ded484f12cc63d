/** A proxy's configuration as its file has it; docs/reference/proxy-config.md tells of every field. */

/** "250ms", "10s", "1m30s". */
type Duration = string;
/** "16KiB", "1MB". */
type Size = string;

export type ProxyConfigListener = {
  /** "127.0.0.1:8080", "[::1]:8080" or "unix:/path". */
  at: string;
  /** How clients say where they want to go; "tcp" unless said otherwise. */
  in?: 'tcp' | 'connect' | 'socks5' | 'sni';
  /** Clients from these ranges, and no others, begin with a PROXY header. */
  proxyFrom?: string[];
  /** "same": who asks for a name has to speak TLS, and to name the same server in its ClientHello. */
  serverName?: 'any' | 'same';
};

export type ProxyConfigUpstream = { at: string; weight?: number };

export type ProxyConfigUser = {
  /** As `loopscope serve proxy --hash-password` prints it. */
  password?: string;
  /** Ranges, or "unix": who comes from there is this user; with a password: where it holds. */
  from?: string | string[];
  /** Most connections at once. */
  connections?: number;
  /** Bytes that may be moved, both ways together; needs --accounts. */
  quota?: { day?: Size; month?: Size; total?: Size };
};

type Port = number | string;

export type ProxyConfigRule = {
  /** As it is counted; unless given, "rule 1" and so on. */
  name?: string;
  action?: 'allow' | 'refuse';
  /** Of a refusing rule: counts what it would refuse, and refuses nothing. */
  dryRun?: boolean;
  /** Everybody, unless given. */
  users?: string | string[];
  /** Ranges, names, "*.suffix", "*", or "@upstreams". */
  to: string | string[];
  /** 443, "8000-8100" or "any"; may be left out for "@upstreams" alone. */
  ports?: Port | Port[];
  /** Special addresses that the names of this rule may have. */
  resolvesTo?: string | string[];
};

export type ProxyConfig = {
  description?: string;
  listen?: (string | ProxyConfigListener)[];
  upstreams?: (string | ProxyConfigUpstream)[];
  balance?: 'round-robin' | 'least-connections' | 'weighted' | 'hash';
  proxyOut?: 'none' | 'v1' | 'v2';
  users?: Record<string, ProxyConfigUser>;
  rules?: ProxyConfigRule[];
  dryRun?: boolean;
  limits?: { clients?: number; head?: Size; lookups?: number };
  timeouts?: {
    head?: Duration;
    connect?: Duration;
    idle?: Duration;
    lookup?: Duration;
    stop?: Duration;
    leave?: Duration;
  };
  /** How long an answer to a look-up is used again. */
  keepLookups?: Duration;
};

/** Gives a configuration its type in a TypeScript file: `export const proxy = defineProxy({ … })`. */
export function defineProxy(proxy: ProxyConfig): ProxyConfig {
  return proxy;
}
