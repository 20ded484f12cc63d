/** Maps by descriptor: single elements, and arrays mapped into memory so that reading them costs no call. */
import { BPF_MAP_DELETE_ELEM, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, bpf_attr_elem } from '../abi/bpf.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import { addressOf, offHeap } from '../libc.ts';
import { type Mapping, mmap } from '../mmap.ts';
import { bpf, bpfError } from './command.ts';

const keyBuffer = offHeap(4);

function keyAddress(key: number): bigint {
  new DataView(keyBuffer.buffer).setUint32(0, key, true);
  return addressOf(keyBuffer);
}

/** Sets the element of a 32-bit key. Throws BPF_LOAD (map full: E2BIG). */
export function updateElement(mapFd: number, key: number, value: Uint8Array): void {
  const { result } = bpf(BPF_MAP_UPDATE_ELEM, bpf_attr_elem, {
    map_fd: mapFd,
    key: keyAddress(key),
    value: addressOf(value),
  });
  if (result < 0) throw bpfError('BPF_MAP_UPDATE_ELEM', -result);
}

/** Removes the element of a 32-bit key; no matter if there is none. */
export function deleteElement(mapFd: number, key: number): void {
  bpf(BPF_MAP_DELETE_ELEM, bpf_attr_elem, { map_fd: mapFd, key: keyAddress(key) });
}

/** Copies the element of a 32-bit key into `value`. False when there is none. */
export function lookupElement(mapFd: number, key: number, value: Uint8Array): boolean {
  const { result } = bpf(BPF_MAP_LOOKUP_ELEM, bpf_attr_elem, {
    map_fd: mapFd,
    key: keyAddress(key),
    value: addressOf(value),
  });
  return result >= 0;
}

/** Maps a BPF_F_MMAPABLE array; its elements lie in a row, each rounded up to 8 bytes. */
export function mapArray(mapFd: number, byteLength: number): Mapping {
  return mmap(byteLength, PROT_READ | PROT_WRITE, MAP_SHARED, mapFd, 0);
}
