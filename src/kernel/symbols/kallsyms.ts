import { readFileSync } from 'node:fs';
import { lastNotAbove } from './sorted.ts';

export type KernelSymbols = {
  /** "ext4_sync_file+0x12", or the bare address when the kernel hides its symbols (kernel.kptr_restrict). */
  symbolize(address: bigint): string;
};

/** Sorted by address. Names stay in the text they were read from: a kernel has over a hundred thousand. */
type Table = { addresses: BigUint64Array; nameOf(index: number): string };

/** No function of the kernel is as long; what is farther away lies in a gap, as a module unloaded since would. */
const LONGEST_FUNCTION = 1n << 20n;

const NEWLINE = 10;
const TAB = 9;
const SPACE = 32;
/** t, T, w and W: text, and weak symbols. nm(1) */
const TEXT_TYPES = new Set([0x74, 0x54, 0x77, 0x57]);

/** /proc/kallsyms, read at the first question (about 0.1 s, 5 MB) and kept. */
export function createKallsyms(read: () => Buffer = readKallsyms): KernelSymbols {
  let table: Table | null = null;
  return {
    symbolize(address) {
      table ??= parseKallsyms(read());
      const index = lastNotAbove(table.addresses, address);
      const distance = index < 0 ? LONGEST_FUNCTION : address - table.addresses[index]!;
      if (distance >= LONGEST_FUNCTION) return `0x${address.toString(16)}`;
      return `${table.nameOf(index)}+0x${distance.toString(16)}`;
    },
  };
}

/** Lines "address type name[\t[module]]". Empty when all addresses are zero, as an unprivileged reader sees them. */
function parseKallsyms(text: Buffer): Table {
  // Two halves, because a BigInt for each of the lines would take longer than the kernel takes to write them.
  let high = new Uint32Array(1 << 17);
  let low = new Uint32Array(1 << 17);
  let offsets = new Uint32Array(1 << 17);
  let count = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf(NEWLINE, start);
    const end = newline < 0 ? text.length : newline;
    const space = text.indexOf(SPACE, start);
    if (space > start && space + 3 < end && TEXT_TYPES.has(text[space + 1]!)) {
      const middle = Math.max(start, space - 8);
      const highHalf = hexAt(text, start, middle);
      const lowHalf = hexAt(text, middle, space);
      if (highHalf + lowHalf > 0) {
        if (count === low.length) [high, low, offsets] = [grown(high), grown(low), grown(offsets)];
        high[count] = highHalf;
        low[count] = lowHalf;
        offsets[count++] = space + 3;
      }
    }
    start = end + 1;
  }
  const order = new Uint32Array(count).map((_, i) => i);
  const compare = (a: number, b: number) => high[a]! - high[b]! || low[a]! - low[b]!;
  // The kernel's own come sorted; modules and BPF programs follow in any order.
  if (order.some((_, i) => i > 0 && compare(i - 1, i) > 0)) order.sort(compare);
  const addresses = new BigUint64Array(count);
  const halves = new Uint32Array(addresses.buffer);
  order.forEach((from, to) => {
    halves[to * 2] = low[from]!;
    halves[to * 2 + 1] = high[from]!;
  });
  const nameOffsets = order.map((from) => offsets[from]!);
  return {
    addresses,
    nameOf(index) {
      const from = nameOffsets[index]!;
      let to = from;
      while (to < text.length && text[to] !== NEWLINE && text[to] !== TAB) to++;
      return text.toString('latin1', from, to);
    },
  };
}

function hexAt(text: Buffer, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const code = text[i]!;
    // '0'–'9' are 0x30–0x39, 'a'–'f' 0x61–0x66.
    value = value * 16 + (code & 15) + (code > 0x39 ? 9 : 0);
  }
  return value;
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

function readKallsyms(): Buffer {
  try {
    return readFileSync('/proc/kallsyms');
  } catch {
    return Buffer.alloc(0);
  }
}
