/** Faults as typed: "heavy:30ms/100" is 30 ms of CPU every 100th request. */
import { LoopscopeError } from '../../base/errors.ts';
import { parseCount, parseDurationNs } from '../../base/units.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './registry.ts';

/** A fault to plant: what, how much of it, and how often. Plain data but for `fault`. */
export type FaultSpec = { text: string; fault: Fault; amount: number; every: number };

const OPTION = '--fault';
const LONGEST_NS = 60e9;
const MOST_BYTES = 1 << 30;

/** Throws USAGE with the forms and the names there are. */
export function parseFault(text: string): FaultSpec {
  const match = /^([a-z-]+):([^/]+)\/(\d+)$/.exec(text.trim());
  const fault = FAULTS.find(({ name }) => name === match?.[1]);
  if (!match || !fault) {
    const names = FAULTS.map(({ name }) => name).join(', ');
    const what = match ? `there is no fault "${match[1]}"` : `"${text}" is not NAME:AMOUNT/EVERY`;
    throw new LoopscopeError(
      'USAGE',
      `${OPTION}: ${what}`,
      `one of ${names}; for instance ${FAULTS[0]!.example}`,
    );
  }
  const amount =
    fault.unit === 'duration' ? parseDurationNs(match[2]!, OPTION) : parseByteCount(match[2]!, OPTION);
  const most = fault.unit === 'duration' ? LONGEST_NS : MOST_BYTES;
  if (!(amount > 0 && amount <= most)) {
    throw new LoopscopeError(
      'USAGE',
      `${OPTION}: "${match[2]}" is out of range`,
      `for instance ${fault.example}`,
    );
  }
  return { text, fault, amount, every: parseCount(match[3]!, OPTION) };
}

const BYTE_UNITS: Record<string, number> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** "8MB", "64KiB" or "100B" → bytes; KB is 1024. Throws USAGE naming the option. */
export function parseByteCount(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/i.exec(text.trim());
  if (!match) {
    throw new LoopscopeError('USAGE', `${option}: "${text}" is not a size`, 'for instance 8MB, or 64KB');
  }
  return Math.round(Number(match[1]) * BYTE_UNITS[match[2]!.toUpperCase().replace('I', '')]!);
}
