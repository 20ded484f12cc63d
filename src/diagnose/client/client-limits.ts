/** What the client ran out of besides CPU: local ports, descriptors, the network card. */
import { printable } from '../../base/printable.ts';
import { formatCount, formatShare } from '../../base/units.ts';
import type { CardRecord, NetworkRecord } from '../../record/load.ts';
import type { LoadFacts } from '../facts/load.ts';
import { amount, ratio } from '../facts/numbers.ts';
import type { Evidence } from '../finding.ts';
import { CLIENT, SELF } from '../limits.ts';
import { fact } from '../rule.ts';
import { plural } from '../words.ts';

export type ClientLimit = { headline: string; evidence: Evidence[]; advice: string[] };

/** The first that was reached, and held up the load; null: none. */
export function clientLimitOf(load: LoadFacts): ClientLimit | null {
  if (load.record.plan.transport === 'unix') return isShortOfConnections(load) ? descriptorsOf(load) : null;
  if (isShortOfConnections(load)) {
    const limit = descriptorsOf(load) ?? portsOf(load);
    if (limit) return limit;
  }
  return cardOf(load);
}

/** Connections were missing, and it shows in the load; some that could not be had at once do not. */
function isShortOfConnections({ record, open, achievedShare, hindrances }: LoadFacts): boolean {
  const { supply, plan, inFlight } = record;
  if (!supply) return false;
  if (amount(supply.held) < amount(plan.connectionCount)) return true;
  if (open) return achievedShare < SELF.rateHeld || hindrances.main === 'noConnection';
  return !plan.thinkTime && amount(inFlight.mean) < CLIENT.connectionsUsed * amount(inFlight.limit);
}

function descriptorsOf({ record }: LoadFacts): ClientLimit | null {
  const { supply, plan } = record;
  const own = amount(supply?.failedByErrno.EMFILE);
  const all = amount(supply?.failedByErrno.ENFILE);
  if (own + all === 0) return null;
  const held = `${formatCount(amount(supply!.held))} of ${plural(plan.connectionCount, 'connection')} could be kept`;
  if (own === 0) {
    return {
      headline: `this machine has no file handle left (ENFILE): ${held}`,
      evidence: [fact('client.enfile', all, 'connects', `${plural(all, 'connect')} failed with ENFILE.`)],
      advice: ['raise sysctl fs.file-max, or close what holds files open: see sysctl fs.file-nr'],
    };
  }
  const limit = supply!.openFileLimit;
  const may = limit === null ? 'no more files' : `only ${plural(limit, 'file')}`;
  return {
    headline: `the client may have ${may} open (EMFILE): ${held}`,
    evidence: [fact('client.emfile', own, 'connects', `${plural(own, 'connect')} failed with EMFILE.`)],
    advice: ['raise the limit before it, with ulimit -n', 'ask for fewer --connections'],
  };
}

function portsOf({ record }: LoadFacts): ClientLimit | null {
  const failed = amount(record.supply?.failedByErrno.EADDRNOTAVAIL);
  if (failed === 0) return null;
  const { network } = record;
  const ports = network?.localPorts;
  const range = ports ? ` of ${ports.from}–${ports.to}` : '';
  const waiting = amount(network?.timeWaitToTarget);
  return {
    headline: `the client ran out of local ports: ${plural(failed, 'connect')} found none free${range} (EADDRNOTAVAIL)`,
    evidence: [
      ...(ports
        ? [
            fact(
              'client.local_ports',
              ports.to - ports.from + 1,
              'ports',
              `net.ipv4.ip_local_port_range is ${ports.from} to ${ports.to}: ${plural(ports.to - ports.from + 1, 'port')} for each address that the client connects from.`,
            ),
          ]
        : []),
      ...(network?.timeWaitToTarget === undefined ? [] : [timeWaitFact(network, waiting)]),
    ],
    advice: [
      'keep connections open for longer: raise --requests-per-connection, or have the server keep them',
      'connect from several addresses with --source, or widen net.ipv4.ip_local_port_range',
      // 2 is for loopback alone, which no card leads to.
      ...(waiting > 0 && (network?.timeWaitReuse === 0 || (network?.timeWaitReuse === 2 && network.card))
        ? ['set net.ipv4.tcp_tw_reuse to 1: a port is then free again after a second']
        : []),
    ],
  };
}

const REUSE = ['for the whole of it', 'for a second', 'on loopback for a second'];

function timeWaitFact({ timeWaitReuse }: NetworkRecord, waiting: number): Evidence {
  const reused = timeWaitReuse === undefined ? undefined : REUSE[timeWaitReuse];
  const again = reused === undefined ? '' : ` (net.ipv4.tcp_tw_reuse is ${timeWaitReuse}: ${reused})`;
  const text = `In TIME_WAIT at the end: ${plural(waiting, 'connection')} to this run’s target, which hold a port for a minute each${again}.`;
  return fact('client.time_wait', waiting, 'sockets', text);
}

function cardOf({ record }: LoadFacts): ClientLimit | null {
  const card = record.network?.card;
  if (!card || card.speedBitsPerSec === null || !(card.speedBitsPerSec > 0)) return null;
  const use = (bytes: number) => ratio(bytes * 8e9, amount(record.client.wallNs) * card.speedBitsPerSec!);
  const received = use(card.receivedBytes);
  const sent = use(card.sentBytes);
  const share = Math.max(received, sent);
  if (share < CLIENT.cardUse) return null;
  const way = received >= sent ? 'receiving' : 'sending';
  const speed = `${formatCount(card.speedBitsPerSec / 1e6)} Mbit/s`;
  const name = printable(card.name, 20);
  return {
    headline: `the network card ${name} was full: ${formatShare(share)} of its ${speed}, ${way}`,
    evidence: [
      fact('client.card_use', share, 'share', `${name} was at ${formatShare(share)} of ${speed}.`),
      ...dropsOf(card),
    ],
    advice: ['drive from several machines, or over a faster card', 'ask for smaller replies'],
  };
}

function dropsOf({ name, receiveDrops, sendDrops }: CardRecord): Evidence[] {
  const drops = amount(receiveDrops) + amount(sendDrops);
  if (drops === 0) return [];
  const text = `${printable(name, 20)} dropped ${formatCount(receiveDrops)} packets that came and ${formatCount(sendDrops)} that were to go.`;
  return [fact('client.card_drops', drops, 'packets', text)];
}
