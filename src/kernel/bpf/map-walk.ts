/** Maps that are read as a whole: hashes by walking their keys, per-CPU arrays by adding up their copies. */
import { readFileSync } from 'node:fs';
import { BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, bpf_attr_elem } from '../abi/bpf.ts';
import { ERRNO } from '../errno.ts';
import { addressOf, offHeap } from '../libc.ts';
import { bpf, bpfError } from './command.ts';

/**
 * Hands every element of a hash map to `take`, as bytes that are valid during the call. An element added or removed
 * meanwhile may be missed, or the walk begin anew: stop the programs first. At most `limit` elements.
 */
export function walkHash(
  mapFd: number,
  keyBytes: number,
  valueBytes: number,
  limit: number,
  take: (key: DataView, value: DataView) => void,
): void {
  const key = offHeap(keyBytes);
  const next = offHeap(keyBytes);
  const value = offHeap(valueBytes);
  const nextView = new DataView(next.buffer, 0, keyBytes);
  const valueView = new DataView(value.buffer, 0, valueBytes);
  for (let count = 0; count < limit; count++) {
    // No key at all: the first one.
    const after = count === 0 ? 0n : addressOf(key);
    const { result } = bpf(BPF_MAP_GET_NEXT_KEY, bpf_attr_elem, {
      map_fd: mapFd,
      key: after,
      value: addressOf(next),
    });
    if (result < 0) return;
    const found = bpf(BPF_MAP_LOOKUP_ELEM, bpf_attr_elem, {
      map_fd: mapFd,
      key: addressOf(next),
      value: addressOf(value),
    });
    if (found.result >= 0) take(nextView, valueView);
    key.set(next);
  }
}

/** Adds an element unless it is there. False when the map is full; throws BPF_LOAD for any other reason. */
export function addElement(mapFd: number, key: number, value: Uint8Array): boolean {
  const BPF_NOEXIST = 1;
  const keyBuffer = offHeap(4);
  new DataView(keyBuffer.buffer).setUint32(0, key, true);
  const { result } = bpf(BPF_MAP_UPDATE_ELEM, bpf_attr_elem, {
    map_fd: mapFd,
    key: addressOf(keyBuffer),
    value: addressOf(value),
    flags: BPF_NOEXIST,
  });
  if (result === -ERRNO.E2BIG) return false;
  if (result < 0 && result !== -ERRNO.EEXIST) throw bpfError('BPF_MAP_UPDATE_ELEM', -result);
  return true;
}

export type PerCpuReader = {
  /** Fills `copies` with the element's value on each CPU. False when there is none. */
  read(key: number): boolean;
  /** One a possible CPU; valid until the next read. */
  copies: DataView[];
};

/** Reads a per-CPU array; its values are rounded up to 8 bytes each. */
export function perCpuReader(mapFd: number, valueBytes: number): PerCpuReader {
  const stride = Math.ceil(valueBytes / 8) * 8;
  const cpuCount = possibleCpuCount();
  const values = offHeap(stride * cpuCount);
  const keyBuffer = offHeap(4);
  return {
    copies: Array.from(
      { length: cpuCount },
      (_, cpu) => new DataView(values.buffer, cpu * stride, valueBytes),
    ),
    read(key) {
      new DataView(keyBuffer.buffer).setUint32(0, key, true);
      const { result } = bpf(BPF_MAP_LOOKUP_ELEM, bpf_attr_elem, {
        map_fd: mapFd,
        key: addressOf(keyBuffer),
        value: addressOf(values),
      });
      return result >= 0;
    },
  };
}

/** CPUs the kernel is prepared for: what per-CPU maps have copies of. */
export function possibleCpuCount(): number {
  // "0-3", "0-1,4"
  const text = readFileSync('/sys/devices/system/cpu/possible', 'latin1').trim();
  const last = Number(text.split(/[-,]/).at(-1));
  return Number.isInteger(last) && last >= 0 && last < 8192 ? last + 1 : 1;
}
