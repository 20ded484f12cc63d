/**
 * Loads BPF programs without a library: a light skeleton is itself a BPF program, of a kind that may make bpf(2) calls.
 * The kernel runs it once; it creates the maps, relocates the programs against the running kernel's BTF (CO-RE) and loads
 * them, and leaves their descriptors in its context. See libbpf's skel_internal.h for the protocol.
 */
import { readFileSync } from 'node:fs';
import { LoopscopeError } from '../../base/errors.ts';
import {
  BPF_F_SLEEPABLE,
  BPF_LOADER_CTX_BYTES,
  BPF_MAP_CREATE,
  BPF_MAP_DESC_BYTES,
  BPF_MAP_TYPE_ARRAY,
  BPF_PROG_DESC_BYTES,
  BPF_PROG_LOAD,
  BPF_PROG_TEST_RUN,
  BPF_PROG_TYPE_KPROBE,
  BPF_PROG_TYPE_SYSCALL,
  bpf_attr_map_create,
  bpf_attr_prog_load,
  bpf_attr_test,
} from '../abi/bpf.ts';
import { ERRNO } from '../errno.ts';
import { addressOf, offHeap } from '../libc.ts';
import { closeFd } from '../sockets.ts';
import { bpf, bpfError } from './command.ts';
import { updateElement } from './map.ts';

export type LoadedObject = {
  /** Descriptors by name, as in the C source. */
  maps: Map<string, number>;
  programs: Map<string, number>;
  /** Closes every descriptor: what is not attached elsewhere is gone. */
  [Symbol.dispose](): void;
};

type Blob = { maps: string[]; programs: string[]; data: Uint8Array; instructions: Uint8Array };

const MAGIC = 'LSKL';
const LOG_BYTES = 1 << 20;
const INSTRUCTION_BYTES = 8;
const EAGAIN_TRIES = 10;

/** Reads a .skel.bin as scripts/build-bpf.ts writes it. */
function readBlob(url: URL): Blob {
  const file = readFileSync(url);
  if (file.toString('latin1', 0, 4) !== MAGIC)
    throw new LoopscopeError('INTERNAL', `${url.pathname} is not a BPF blob`);
  const headerEnd = 8 + file.readUInt32LE(4);
  const header = JSON.parse(file.toString('utf8', 8, headerEnd));
  const data = offHeap(header.dataBytes);
  const instructions = offHeap(header.instructionBytes);
  data.set(file.subarray(headerEnd, headerEnd + header.dataBytes));
  instructions.set(file.subarray(headerEnd + header.dataBytes));
  return { maps: header.maps, programs: header.programs, data, instructions };
}

/**
 * Loads all maps and programs of a blob. `mapSizes` overrides max_entries by map name, `attachTypes` the expected attach
 * type by program name, for kinds that are newer than the bpftool that built it. Throws PERMISSION or BPF_LOAD, the
 * latter with the end of the verifier's log.
 */
export function loadSkeleton(
  url: URL,
  mapSizes: Record<string, number> = {},
  attachTypes: Record<string, number> = {},
): LoadedObject {
  const blob = readBlob(url);
  for (const [name, type] of Object.entries(attachTypes)) setAttachType(blob.data, name, type);
  const loaderMap = createLoaderMap(blob.data);
  try {
    const loader = loadLoader(blob.instructions, loaderMap);
    try {
      // The loader works in its map's memory: every run begins with fresh data.
      return runLoader(loader, blob, mapSizes, () => updateElement(loaderMap, 0, blob.data));
    } finally {
      closeFd(loader);
    }
  } finally {
    closeFd(loaderMap);
  }
}

/**
 * The loader's data holds the union bpf_attr of each BPF_PROG_LOAD to come; its prog_name tells whose. The name alone
 * stands in the programs' BTF too, but not behind a program type and forty bytes of the rest.
 */
function setAttachType(data: Uint8Array, name: string, type: number): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const wanted = Buffer.from(`${name}\0`);
  const { prog_name, expected_attach_type } = bpf_attr_prog_load.at;
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) {
    const attr = at - prog_name;
    if (attr < 0 || attr % 8 !== 0 || bytes.readUInt32LE(attr) !== BPF_PROG_TYPE_KPROBE) continue;
    bytes.writeUInt32LE(type, attr + expected_attach_type);
    return;
  }
  throw new LoopscopeError('INTERNAL', `the blob loads no program ${name}`);
}

function createLoaderMap(data: Uint8Array): number {
  const { result } = bpf(BPF_MAP_CREATE, bpf_attr_map_create, {
    map_type: BPF_MAP_TYPE_ARRAY,
    key_size: 4,
    value_size: data.length,
    max_entries: 1,
  });
  if (result < 0) throw bpfError('BPF_MAP_CREATE', -result);
  return result;
}

function loadLoader(instructions: Uint8Array, loaderMap: number): number {
  const fdArray = new Int32Array(offHeap(4).buffer, 0, 1);
  fdArray[0] = loaderMap;
  const licence = offHeap(16);
  licence.set(Buffer.from('Dual BSD/GPL\0'));
  const load = () =>
    bpf(BPF_PROG_LOAD, bpf_attr_prog_load, {
      prog_type: BPF_PROG_TYPE_SYSCALL,
      insn_cnt: instructions.length / INSTRUCTION_BYTES,
      insns: addressOf(instructions),
      license: addressOf(licence),
      prog_flags: BPF_F_SLEEPABLE,
      fd_array: addressOf(fdArray),
    }).result;
  const result = withoutInterruptions(load);
  if (result < 0) throw bpfError('BPF_PROG_LOAD of the loader', -result);
  return result;
}

/** The verifier gives up with EAGAIN when a signal waits (a child ended, a profiler's tick): nothing is wrong, try again. */
function withoutInterruptions(attempt: () => number): number {
  let result = attempt();
  for (let tries = 1; result === -ERRNO.EAGAIN && tries < EAGAIN_TRIES; tries++) result = attempt();
  return result;
}

function runLoader(
  loader: number,
  blob: Blob,
  mapSizes: Record<string, number>,
  renewData: () => void,
): LoadedObject {
  const mapsStart = BPF_LOADER_CTX_BYTES;
  const programsStart = mapsStart + blob.maps.length * BPF_MAP_DESC_BYTES;
  const contextBytes = programsStart + blob.programs.length * BPF_PROG_DESC_BYTES;
  // The kernel refuses a context that is not a multiple of 8.
  const context = offHeap(Math.ceil(contextBytes / 8) * 8);
  const view = new DataView(context.buffer);
  const log = offHeap(LOG_BYTES);
  view.setUint32(0, contextBytes, true);
  blob.maps.forEach((name, index) => {
    view.setUint32(mapsStart + index * BPF_MAP_DESC_BYTES + 4, mapSizes[name] ?? 0, true);
  });
  const run = () => {
    renewData();
    const { result, attr } = testRun(loader, context);
    return result < 0 ? result : new DataView(attr.buffer).getInt32(bpf_attr_test.at.retval, true);
  };
  let outcome = withoutInterruptions(run);
  if (outcome < 0 && outcome !== -ERRNO.EPERM) {
    // Once more with the verifier's log: it costs time and memory that a good load does not need.
    view.setUint32(8, 1, true);
    view.setUint32(12, LOG_BYTES, true);
    view.setBigUint64(16, addressOf(log), true);
    outcome = withoutInterruptions(run);
  }
  if (outcome < 0) throw bpfError('loading the BPF programs', -outcome, logTail(log));
  const fds = (names: string[], start: number, stride: number) =>
    new Map(names.map((name, index) => [name, view.getInt32(start + index * stride, true)]));
  const maps = fds(blob.maps, mapsStart, BPF_MAP_DESC_BYTES);
  const programs = fds(blob.programs, programsStart, BPF_PROG_DESC_BYTES);
  return {
    maps,
    programs,
    [Symbol.dispose]() {
      for (const fd of [...maps.values(), ...programs.values()]) closeFd(fd);
      maps.clear();
      programs.clear();
    },
  };
}

function testRun(loader: number, context: Uint8Array): { result: number; attr: Uint8Array } {
  return bpf(BPF_PROG_TEST_RUN, bpf_attr_test, {
    prog_fd: loader,
    ctx_in: addressOf(context),
    ctx_size_in: context.length,
  });
}

function logTail(log: Uint8Array): string {
  const end = log.indexOf(0);
  const text = Buffer.from(log.subarray(0, end < 0 ? log.length : end)).toString('latin1');
  return text.trimEnd().split('\n').slice(-8).join('\n');
}
