import { formatCount, formatShare } from '../../base/units.ts';
import { amount, ratio } from '../facts/numbers.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';

const TIME_WAIT_NS = 60e9;

/** A client that runs out of local ports measures its own poverty: connects fail or are put off. ip(7) */
export const ephemeralPorts = {
  name: 'ephemeral-ports',
  title: 'the client had local ports left',
  judge({ load }) {
    if (!load) return null;
    const { plan, connections, network } = load.record;
    if (plan.transport === 'unix') return skip('a Unix socket needs no port');
    const available = amount(network?.localPortCount) || SELF.portsDefault;
    // A port is held while its connection is open, and a minute longer by the side that closed first.
    const turns = Math.min(1, TIME_WAIT_NS / Math.max(1, load.wallNs));
    const recent = amount(connections.opened) * turns;
    const inUse = Math.max(recent, amount(network?.timeWaitSockets));
    const share = ratio(inUse, available);
    const known = network?.localPortCount ? '' : ', if the range is the usual one';
    // Sockets to different places may share a port, so there can be more of them than ports.
    const text =
      inUse > available
        ? `${formatCount(Math.round(inUse))} sockets held or waited on ${formatCount(available)} local ports${known}`
        : `${formatCount(Math.round(inUse))} of ${formatCount(available)} local ports were taken or waiting (${formatShare(share)}${known})`;
    const base = { value: share, unit: 'share', limit: SELF.portsWarn };
    if (share < SELF.portsWarn) return { ...base, verdict: 'PASS', text };
    return {
      ...base,
      verdict: 'WARN',
      text: `${text}: keep connections open, or drive from several addresses`,
    };
  },
} satisfies Check;
