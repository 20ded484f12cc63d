import { READ } from '../reading.ts';
import type { Way, WayStep, WayTalk } from '../way.ts';
import { ConnectHead } from './connect-head.ts';
import { CONNECT_ESTABLISHED, connectRefusal, connectWrong } from './connect-replies.ts';

/** One request, and then the tunnel: a client that is refused comes again on another connection. */
export const connect = {
  name: 'connect',
  summary: 'HTTP CONNECT (RFC 9110): host and port in the request, name and password by Basic',
  speaksFirst: true,
  begin({ headBytes }): WayTalk {
    const head = new ConnectHead(headBytes);
    return {
      step(bytes, start, end): WayStep {
        const read = head.read(bytes, start, end);
        if (read === READ.more) return { kind: 'more' };
        if (read === READ.refused) {
          const reason = `the request has ${head.fault}`;
          return { kind: 'wrong', reason, reply: connectWrong(head.status, reason) };
        }
        const { target, credentials } = head.request!;
        return {
          kind: 'wants',
          consumed: head.next - start,
          destination: { host: target.host.text, port: target.port },
          credentials,
          sni: null,
          established: () => CONNECT_ESTABLISHED,
          refused: connectRefusal,
        };
      },
    };
  },
} satisfies Way;
