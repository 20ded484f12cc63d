import { printable } from '../../base/printable.ts';
import type { Stall } from '../../record/observation.ts';
import { amount, maxBy, ratio } from './numbers.ts';

/** The innermost frame most samples have in common. Text is printable. */
export type FrameShare = { frame: string; share: number; sampleCount: number; caller: string | null };

/** Of the samples in user mode; null without any that has a name rather than a bare address. */
export function topFrame(stalls: readonly Stall[]): FrameShare | null {
  const frames = new Map<string, { count: number; caller: string | null }>();
  let sampleCount = 0;
  for (const stall of stalls) {
    for (const stack of stall.stacks) {
      if (stack.inKernel) continue;
      const frame = stack.frames[0];
      sampleCount += amount(stack.count);
      if (frame === undefined || /^(0x[\da-f]+|\[.*\])?$/i.test(frame)) continue;
      const known = frames.get(frame);
      if (known) known.count += amount(stack.count);
      else frames.set(frame, { count: amount(stack.count), caller: stack.frames[1] ?? null });
    }
  }
  const top = maxBy([...frames], ([, { count }]) => count);
  if (!top || top[1].count === 0) return null;
  const caller = top[1].caller === null ? null : printable(top[1].caller, 80);
  return { frame: printable(top[0], 80), share: ratio(top[1].count, sampleCount), sampleCount, caller };
}
