import { readFileSync } from 'node:fs';

export type KernelSymbols = {
  /** "ext4_sync_file+0x12", or the bare address when the kernel hides its symbols (kernel.kptr_restrict). */
  symbolize(address: bigint): string;
};

type Table = { addresses: BigUint64Array; names: string[] };

/** /proc/kallsyms, read at the first question (about 0.2 s, 8 MB) and kept. */
export function createKallsyms(read: () => string = readKallsyms): KernelSymbols {
  let table: Table | null = null;
  return {
    symbolize(address) {
      table ??= parseKallsyms(read());
      const index = lastNotAbove(table.addresses, address);
      if (index < 0) return `0x${address.toString(16)}`;
      return `${table.names[index]}+0x${(address - table.addresses[index]!).toString(16)}`;
    },
  };
}

/** Text symbols, sorted by address; empty when all addresses are zero, as an unprivileged reader sees them. */
export function parseKallsyms(text: string): Table {
  const rows: [bigint, string][] = [];
  for (const line of text.split('\n')) {
    const [address, type, name] = line.split(' ', 3);
    if (!name || !type || !'tTwW'.includes(type)) continue;
    const value = BigInt(`0x${address}`);
    if (value !== 0n) rows.push([value, name.split('\t', 1)[0]!]);
  }
  rows.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  return { addresses: BigUint64Array.from(rows, (row) => row[0]), names: rows.map((row) => row[1]) };
}

/** Index of the last element not above a value in a sorted array; −1 when there is none. */
export function lastNotAbove(sorted: BigUint64Array, value: bigint): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function readKallsyms(): string {
  try {
    return readFileSync('/proc/kallsyms', 'latin1');
  } catch {
    return '';
  }
}
