/** The talk before the talk: what a trusted peer says of the client that it passes on, before any way in begins. */
import { READ } from '../reading.ts';
import type { WayLimits, WayStep, WayTalk } from '../way.ts';
import { ProxyHeaderReader } from './proxy-header.ts';

const NOTHING = new Uint8Array(0);

/** For connections from trusted addresses alone, and then for all of them: a header is demanded, not looked for. */
export function beginProxyHeader({ headBytes }: Pick<WayLimits, 'headBytes'>): WayTalk {
  const reader = new ProxyHeaderReader(headBytes);
  return {
    step(bytes, start, end): WayStep {
      const read = reader.read(bytes, start, end);
      if (read === READ.more) return { kind: 'more' };
      if (read === READ.refused)
        return { kind: 'wrong', reason: `the connection begins with ${reader.fault}`, reply: NOTHING };
      const { source, destination } = reader.header!;
      return {
        kind: 'source',
        consumed: reader.next - start,
        source,
        destination,
      };
    },
  };
}
