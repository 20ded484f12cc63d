/**
 * The stalls of a run: bytes as they come, Stalls with names in the end. Naming addresses (a 10 MB symbol table) would
 * disturb what is watched, so it is put off until after the run, unless somebody looks on.
 */
import { createKallsyms, type KernelSymbols } from '../../kernel/symbols/kallsyms.ts';
import { createProcessImage, createWatchEffort, type HeldFiles } from '../../kernel/symbols/process-image.ts';
import { createUserSymbols, type UserSymbols } from '../../kernel/symbols/user-symbols.ts';
import type { Stall } from '../../record/observation.ts';
import { stall_event } from '../probes/layouts.ts';
import { createStackUnwinder, type StallStacks } from './stack-unwinder.ts';
import { decodeStall } from './stall-decoder.ts';

export type StallBookOptions = {
  startMonoNs: bigint;
  /** Names at once; else after the run. */
  nameAtOnce: boolean;
  /** The loop that has that place in the kernel's arrays. */
  loopOf: (slot: number) => number | undefined;
};

const STALL_LIMIT = 4000;
/**
 * To walk and to name what waited for the end. A report of 4000 stalls of Node takes a third of it; a process made to be
 * dear delays the end by no more.
 */
const FINISH_UNITS = 700_000;
/** Sets of open files: one for each program that the loops run, and for each library that only some of them have. */
const HELD_LIMIT = 32;

export type StallBook = ReturnType<typeof createStallBook>;

export function createStallBook(options: StallBookOptions) {
  const records: { bytes: Uint8Array; stacks: StallStacks }[] = [];
  const stalls: Stall[] = [];
  const counts = { stallsNotKept: 0, decodeErrors: 0 };
  const held: HeldFiles[] = [];
  const effort = createWatchEffort();
  const symbolsOfProcess = new Map<string, UserSymbols>();
  const processOfLoop = new Map<number, { pid: number; identity: string }>();
  let kernel: KernelSymbols | null = null;

  const kernelSymbol = (address: bigint) => (kernel ??= createKallsyms()).symbolize(address);
  const symbolsOf = (loopIndex: number): UserSymbols | null => {
    const process = processOfLoop.get(loopIndex);
    if (process === undefined) return null;
    const key = `${process.pid} ${process.identity}`;
    let symbols = symbolsOfProcess.get(key);
    if (!symbols) {
      const { pid } = process;
      symbols = createUserSymbols(pid, createProcessImage(pid, undefined, effort));
      symbolsOfProcess.set(key, symbols);
    }
    return symbols;
  };
  const unwinder = createStackUnwinder(symbolsOf);
  const bare = (address: bigint) => `0x${address.toString(16)}`;
  const decode = (bytes: Uint8Array, stacks: StallStacks, named: boolean): Stall | null => {
    if (named) symbolsOf(loopIndexOf(bytes))?.image.beginLook();
    return decodeStall(bytes, {
      startMonoNs: options.startMonoNs,
      kernelSymbol: named ? kernelSymbol : bare,
      userSymbol: (loopIndex, address) =>
        (named ? symbolsOf(loopIndex)?.symbolize(address) : undefined) ?? bare(address),
      userStack: (loopIndex, place) => (named ? unwinder.nameOf(stacks, place, loopIndex) : null),
    });
  };

  const dispose = () => {
    for (const files of held.splice(0)) files[Symbol.dispose]();
  };
  return {
    [Symbol.dispose]: dispose,
    get losses() {
      return { ...counts, ...unwinder.losses, addressesNotNamed: effort.addressesNotNamed };
    },
    symbolsOf,
    kernelSymbol,
    /** A thread is watched from now on, under that index. */
    addLoop(loopIndex: number, pid: number, identity: string): void {
      processOfLoop.set(loopIndex, { pid, identity });
      if (held.length >= HELD_LIMIT) return;
      const files = symbolsOf(loopIndex)!.image.holdFiles((file) => held.some((h) => h.files.includes(file)));
      if (files.files.length > 0) held.push(files);
    },
    /** It is gone. With names given at once, what they came from is no longer needed. */
    removeLoop(loopIndex: number): void {
      if (!options.nameAtOnce) return;
      const process = processOfLoop.get(loopIndex);
      processOfLoop.delete(loopIndex);
      if (process && ![...processOfLoop.values()].some((other) => other.pid === process.pid)) {
        symbolsOfProcess.delete(`${process.pid} ${process.identity}`);
      }
    },
    /** A user stack of the stall that will come next from that loop. */
    takeStack: unwinder.take,
    /** Bytes of the ring, only valid now. `tell` is given the stall when `wanted`; without names unless they are at once. */
    take(bytes: Uint8Array, tell: ((stall: Stall) => void) | null): void {
      const at = stall_event.at.loop_index;
      const copy = bytes.slice();
      const view = new DataView(copy.buffer);
      const slot = loopIndexOf(copy);
      const loopIndex = options.loopOf(slot);
      if (loopIndex === undefined) {
        counts.decodeErrors++;
        return;
      }
      view.setUint32(at, loopIndex, true);
      const isKept = records.length + stalls.length < STALL_LIMIT;
      if (!isKept) counts.stallsNotKept++;
      const stacks = unwinder.claim(slot, loopIndex, isKept);
      if (!options.nameAtOnce) {
        if (isKept) records.push({ bytes: copy, stacks });
        symbolsOf(loopIndex)?.keepMaps();
        if (tell === null) return;
      }
      const stall = decode(copy, stacks, options.nameAtOnce);
      if (stall === null) {
        if (options.nameAtOnce) counts.decodeErrors++;
        return;
      }
      if (options.nameAtOnce && isKept) stalls.push(stall);
      tell?.(stall);
    },
    /** Once a poll: walks stacks that wait. */
    step: unwinder.step,
    /** All of them, named, in order of time. */
    finish(): Stall[] {
      effort.all.left = FINISH_UNITS;
      unwinder.finish();
      for (const { bytes, stacks } of records.splice(0)) {
        const stall = decode(bytes, stacks, true);
        if (stall) stalls.push(stall);
        else counts.decodeErrors++;
      }
      return stalls.sort((a, b) => a.startNs - b.startNs);
    },
  };
}

/** −1 of a record that is cut short. */
function loopIndexOf(bytes: Uint8Array): number {
  const at = stall_event.at.loop_index;
  return bytes.length > at + 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true) : -1;
}
