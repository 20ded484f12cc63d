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
    const { plan, connections, network, supply } = load.record;
    if (plan.transport === 'unix') return skip('a Unix socket needs no port');
    const available = amount(network?.localPortCount) || SELF.portsDefault;
    // A port is held while its connection is open, and a minute longer by the side that closed first.
    const turns = Math.min(1, TIME_WAIT_NS / Math.max(1, load.wallNs));
    const inUse = amount(connections.opened) * turns;
    const share = ratio(inUse, available);
    const known = network?.localPortCount ? '' : ', if the range is the usual one';
    // Sockets to other places, and of other processes, may share a port with ours: they are no want of ports.
    const text =
      inUse > available
        ? `${formatCount(Math.round(inUse))} connections of one minute held or left ${formatCount(available)} local ports${known}`
        : `the load took ${formatCount(Math.round(inUse))} of ${formatCount(available)} local ports (${formatShare(share)}${known})`;
    const refused = amount(supply?.failedByErrno.EADDRNOTAVAIL);
    if (refused > 0) {
      const waiting = amount(network?.timeWaitSockets);
      const others = waiting > 0 ? `; ${formatCount(waiting)} sockets of this machine are in TIME_WAIT` : '';
      return {
        value: refused,
        unit: 'connects',
        limit: 0,
        verdict: 'WARN',
        text: `${formatCount(refused)} connects found no free port (EADDRNOTAVAIL)${others}: keep connections open, or drive from several addresses`,
      };
    }
    const base = { value: share, unit: 'share', limit: SELF.portsWarn };
    if (share < SELF.portsWarn) return { ...base, verdict: 'PASS', text };
    return {
      ...base,
      verdict: 'WARN',
      text: `${text}: keep connections open, or drive from several addresses`,
    };
  },
} satisfies Check;
