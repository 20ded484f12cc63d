import { printable } from '../../base/printable.ts';
import type { StackSample, Stall } from '../../record/observation.ts';
import { amount, maxBy, ratio } from './numbers.ts';

/** The function that most samples were in, or called the C library from. Text is printable. */
export type FrameShare = { frame: string; share: number; sampleCount: number; caller: string | null };

/** Plumbing: who called it says more. */
const PLUMBING = /\((libc|libpthread|ld-linux|libm|libstdc\+\+)[-.\w]*\)|^\[vdso\]/;

/** Of the samples in user mode; null without any that has a name rather than a bare address. */
export function topFrame(stalls: readonly Stall[]): FrameShare | null {
  const functions = new Map<string, { count: number; caller: string | null }>();
  let sampleCount = 0;
  for (const stall of stalls) {
    for (const stack of stall.stacks) {
      if (stack.inKernel) continue;
      sampleCount += amount(stack.count);
      const own = ownFrame(stack);
      if (own === null) continue;
      const name = functionName(stack.frames[own]!);
      const known = functions.get(name);
      if (known) known.count += amount(stack.count);
      else functions.set(name, { count: amount(stack.count), caller: stack.frames[own + 1] ?? null });
    }
  }
  const top = maxBy([...functions], ([, { count }]) => count);
  if (!top || top[1].count === 0) return null;
  const caller = top[1].caller;
  return {
    frame: top[0],
    share: ratio(top[1].count, sampleCount),
    sampleCount,
    caller: caller === null || isBare(caller) ? null : functionName(caller),
  };
}

/** The innermost named frame that is not plumbing, else the innermost named one. */
function ownFrame({ frames }: StackSample): number | null {
  const own = frames.findIndex((frame) => !isBare(frame) && !PLUMBING.test(frame));
  if (own >= 0) return own;
  const any = frames.findIndex((frame) => !isBare(frame));
  return any >= 0 ? any : null;
}

function isBare(frame: string): boolean {
  return /^(0x[\da-f]+)?$/i.test(frame.trim());
}

/** "burn+0x1f (server)" → "burn (server)"; C++ names without their arguments. */
function functionName(frame: string): string {
  const plain = frame.replace(/\+0x[\da-f]+/i, '').replace(/^_Z\S+/, demangled);
  return printable(plain, 80);
}

/**
 * The nested name of an Itanium C++ ABI symbol: _ZN4node3FooEv → node::Foo. What is not a plain sequence of
 * identifiers (templates, operators) stays as it is.
 */
function demangled(symbol: string): string {
  let rest = symbol.replace(/^_ZN?[KL]*/, '');
  const parts: string[] = [];
  for (;;) {
    const length = /^L?(\d{1,3})/.exec(rest);
    if (!length) break;
    const from = length[0].length;
    const to = from + Number(length[1]);
    if (to > rest.length) return symbol;
    parts.push(rest.slice(from, to));
    rest = rest.slice(to);
  }
  return parts.length > 0 ? parts.join('::') : symbol;
}
