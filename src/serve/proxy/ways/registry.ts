import { connect } from './connect/connect.ts';
import { sni } from './sni/sni.ts';
import { socks5 } from './socks5/socks5.ts';
import { tcp } from './tcp.ts';
import type { Way } from './way.ts';

/** Every way in, the plainest first; docs/reference/ways.md tells of each. */
export const WAYS: readonly Way[] = [tcp, connect, socks5, sni];

/** The way of that name. */
export function wayNamed(name: Way['name']): Way {
  return WAYS.find((way) => way.name === name)!;
}
