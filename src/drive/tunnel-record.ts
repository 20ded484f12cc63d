import type { TunnelRecord } from '../record/load.ts';
import type { TunnelTally } from './supply/tunnels.ts';

/** Of all threads together; undefined when there were to be none. */
export function tunnelRecord(results: readonly { tunnels: TunnelTally | null }[]): TunnelRecord | undefined {
  const tallies = results.map(({ tunnels }) => tunnels).filter((tally) => tally !== null);
  if (tallies.length === 0) return undefined;
  const opened = tallies.reduce((sum, tally) => sum + tally.opened, 0);
  const sumNs = tallies.reduce((sum, { handshakeNsSum }) => sum + handshakeNsSum, 0);
  const refused = tallies.find(({ problem }) => problem !== '');
  return {
    opened,
    handshakeNsMean: opened === 0 ? null : sumNs / opened,
    handshakeNsMax: opened === 0 ? null : Math.max(...tallies.map(({ handshakeNsMax }) => handshakeNsMax)),
    refusal: refused ? refusalText(refused) : null,
  };
}

/** A status line says all that its kind would. */
function refusalText({ problem, said }: TunnelTally): string {
  if (said === '') return problem;
  return said.startsWith('HTTP/') ? said : `${problem}: ${said}`;
}
