/**
 * User stacks of stalls: copies as the probes send them, walked in short spells between other work, so that neither a
 * poll is late nor megabytes of copies wait for the end of the run. What is kept of a stack is its addresses.
 */
import { isSpent, within } from '../../kernel/symbols/effort.ts';
import { formatPlace, type UserSymbols } from '../../kernel/symbols/user-symbols.ts';
import { decodeStackRecord } from '../../kernel/unwind/stack-copy.ts';
import { type UserStack, unwind } from '../../kernel/unwind/unwind.ts';
import { unwindTableOf } from '../../kernel/unwind/unwind-table.ts';
import { REGISTER_BYTES, STALL_STACK, user_stack } from '../probes/layouts.ts';

/** A stack of a stall by its place: a block's index, or BLOCK_LIMIT and a sample's. */
export type StallStacks = ReadonlyMap<number, WaitingStack>;

/** Either bytes that wait to be walked, or what came of them; neither when it was given up. */
type WaitingStack = { bytes: Uint8Array | null; walked: UserStack | null };

export type NamedStack = {
  /** Innermost first. */
  frames: string[];
  /** Why the outer part is missing; absent for a whole stack. */
  cutBecause?: string;
};

/** One stack takes 0.1 to 0.3 ms, and the first of a program some ms more, for reading its tables. */
const SPELL_MS = 2;
const LAST_SPELL_MS = 1000;
const WAITING_LIMIT_BYTES = 8 << 20;
/** Innermost ones; deeper recursion is cut, and says so. */
const FRAMES_KEPT = 128;

/** True of a record of the ring that is a stack rather than a stall. */
export function isStackRecord(bytes: Uint8Array): boolean {
  if (bytes.length < user_stack.at.bytes) return false;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(user_stack.at.kind, true) === STALL_STACK;
}

export function createStackUnwinder(symbolsOf: (loopIndex: number) => UserSymbols | null) {
  /** Of stalls whose own record is yet to come, by place in the kernel's arrays. */
  const unclaimed = new Map<number, Map<number, WaitingStack>>();
  const queue: { stack: WaitingStack; loopIndex: number }[] = [];
  let waitingBytes = 0;
  const losses = { stacksNotKept: 0 };
  let isFinished = false;

  const walk = (stack: WaitingStack, loopIndex: number) => {
    const { bytes } = stack;
    if (bytes === null) return;
    stack.bytes = null;
    waitingBytes -= bytes.length;
    const symbols = symbolsOf(loopIndex);
    symbols?.image.beginLook();
    if (symbols) stack.walked = walkRecord(bytes, symbols);
  };
  const spell = (limitMs: number) => {
    const endMs = performance.now() + limitMs;
    let next = queue.shift();
    while (next) {
      walk(next.stack, next.loopIndex);
      if (performance.now() >= endMs) return;
      next = queue.shift();
    }
  };

  return {
    losses,
    /** A record for which isStackRecord is true; its bytes are only valid now. */
    take(bytes: Uint8Array): void {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      if (waitingBytes + bytes.length > WAITING_LIMIT_BYTES) {
        losses.stacksNotKept++;
        return;
      }
      waitingBytes += bytes.length;
      const slot = view.getUint32(user_stack.at.loop_index, true);
      let stacks = unclaimed.get(slot);
      if (!stacks) unclaimed.set(slot, (stacks = new Map()));
      stacks.set(view.getUint32(user_stack.at.place, true), { bytes: bytes.slice(), walked: null });
    },
    /** The stacks that came ahead of a stall; `isKept` puts them in the queue, else they are let go. */
    claim(slot: number, loopIndex: number, isKept: boolean): StallStacks {
      const stacks = unclaimed.get(slot) ?? new Map<number, WaitingStack>();
      unclaimed.delete(slot);
      for (const stack of stacks.values()) {
        if (isKept) queue.push({ stack, loopIndex });
        else waitingBytes -= stack.bytes!.length;
      }
      return stacks;
    },
    /** Once a poll. */
    step: () => spell(SPELL_MS),
    /** Before the names are asked for in the end. */
    finish(): void {
      spell(LAST_SPELL_MS);
      losses.stacksNotKept += queue.length;
      queue.length = 0;
      isFinished = true;
    },
    /** Null when there is no such stack, or it was not kept. Walks it now if it waits, while the watch lasts. */
    nameOf(stacks: StallStacks, place: number, loopIndex: number): NamedStack | null {
      const stack = stacks.get(place);
      if (!stack) return null;
      if (!isFinished) walk(stack, loopIndex);
      if (!stack.walked) return null;
      return nameWalked(stack.walked, symbolsOf(loopIndex));
    },
  };
}

/** A record for which isStackRecord is true, walked and named at once; null when its registers cannot be read. */
export function nameStackRecord(bytes: Uint8Array, symbols: UserSymbols): NamedStack | null {
  symbols.image.beginLook();
  const walked = walkRecord(bytes, symbols);
  return walked && nameWalked(walked, symbols);
}

function walkRecord(bytes: Uint8Array, symbols: UserSymbols): UserStack | null {
  const at = user_stack.at;
  const registers = bytes.subarray(at.registers, at.registers + REGISTER_BYTES);
  const record = decodeStackRecord(registers, bytes.subarray(at.bytes));
  return record && unwind(symbols.image, record.registers, record.stack, FRAMES_KEPT);
}

function nameWalked({ frames, end }: UserStack, symbols: UserSymbols | null): NamedStack {
  return {
    frames: frames.map(({ address, isReturnAddress }) =>
      symbols ? frameName(symbols, address, isReturnAddress) : `0x${address.toString(16)}`,
    ),
    ...(end !== 'start of the thread' && { cutBecause: end }),
  };
}

/** Without the distance from the function's start, so that samples of one function are equal. */
function frameName(symbols: UserSymbols, address: bigint, isReturnAddress: boolean): string {
  const place = symbols.locate(address, isReturnAddress);
  if (place.name === null)
    return unnamed(symbols, Number(address) - (isReturnAddress ? 1 : 0)) ?? formatPlace(place);
  return place.file === null ? place.name : `${place.name} (${place.file})`;
}

/** "0x174e00 (python3.11)": of a function without a symbol, where it begins in the file, as addr2line(1) takes it. */
function unnamed(symbols: UserSymbols, address: number): string | null {
  const { image } = symbols;
  try {
    return within(image.look, () => {
      const { module, linked } = image.find(address) ?? { module: null, linked: -1 };
      if (!module || linked < 0) return null;
      const start = image.readFiles(() => unwindTableOf(module))?.startOf(linked) ?? linked;
      return `0x${start.toString(16)} (${module.name})`;
    });
  } catch (error) {
    if (!isSpent(error)) throw error;
    return null;
  }
}
