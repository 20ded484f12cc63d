import { LoopscopeError } from './errors.ts';

/** Throws INTERNAL when a stated invariant does not hold. Name the invariant: assert(x, 'I3'). Batch edges only. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) {
    throw new LoopscopeError(
      'INTERNAL',
      `invariant broken: ${invariant}`,
      'please report this with the command line',
    );
  }
}
