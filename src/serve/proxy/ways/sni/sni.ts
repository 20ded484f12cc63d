import { READ } from '../reading.ts';
import type { Refusal, Way, WayStep, WayTalk } from '../way.ts';
import { ALERT, alertRecord, ClientHelloReader } from './client-hello.ts';

const REFUSALS: Record<Refusal, number> = {
  'not-authenticated': ALERT.accessDenied,
  'not-allowed': ALERT.accessDenied,
  'no-such-host': ALERT.unrecognizedName,
  'connect-refused': ALERT.internalError,
  unreachable: ALERT.internalError,
  'timed-out': ALERT.internalError,
  'no-upstream': ALERT.internalError,
  internal: ALERT.internalError,
};

const NOTHING = new Uint8Array(0);

/** TLS that stays closed: the hello is read, and passed on as it came. */
export const sni = {
  name: 'sni',
  summary: 'TLS passed through, the server name read from the ClientHello (the outer one, with ECH)',
  speaksFirst: true,
  begin({ headBytes }): WayTalk {
    const reader = new ClientHelloReader(headBytes);
    return {
      step(bytes, start, end): WayStep {
        const read = reader.read(bytes, start, end);
        if (read === READ.more) return { kind: 'more' };
        if (read === READ.refused) {
          const reply = reader.alert === 0 ? NOTHING : alertRecord(reader.alert);
          return { kind: 'wrong', reason: `the client sent ${reader.fault}`, reply };
        }
        return {
          kind: 'wants',
          consumed: 0,
          destination: null,
          credentials: null,
          sni: reader.hello!.serverName?.text ?? null,
          established: () => NOTHING,
          refused: (why) => alertRecord(REFUSALS[why]),
        };
      },
    };
  },
} satisfies Way;
