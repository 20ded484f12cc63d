import { formatAddress } from '../../../base/address.ts';
import type { ProxySettings } from '../proxy-options.ts';
import { balanceMethod } from './balance/registry.ts';
import { UpstreamPool } from './pool/pool.ts';
import { Roster } from './rows/roster.ts';
import { mapSharedRows } from './rows/shared-rows.ts';
import { UpstreamRows } from './rows/upstream-rows.ts';
import type { Upstreams } from './upstreams.ts';

type Wanted = Pick<ProxySettings, 'upstreams' | 'upstreamRows' | 'balance' | 'slowStartNs'>;

/** A worker's own view of the upstreams that its master keeps. Throws when that has ended. */
export function attachUpstreams(settings: Wanted): Upstreams {
  const { upstreamRows, balance, slowStartNs } = settings;
  const rows = upstreamRows === null ? privateRows(settings) : mapSharedRows(upstreamRows).rows;
  // Of its own for each worker: they do not all begin with the same upstream.
  return new UpstreamPool({ rows, method: balanceMethod(balance), seed: process.pid, slowStartNs });
}

/** Of upstreams that nobody changes or checks. */
function privateRows({ upstreams }: Wanted): UpstreamRows {
  const rowCount = Math.max(1, upstreams.length);
  const rows = new UpstreamRows(new ArrayBuffer(UpstreamRows.byteLength(rowCount)), rowCount);
  const roster = new Roster(rows);
  for (const { address, weight } of upstreams) roster.add({ name: formatAddress(address), weight });
  return rows;
}
