import { pbkdf2Sync } from 'node:crypto';
import type { Fault } from './fault.ts';

/** Iterations of one step: well under a millisecond, so that the whole lasts as long as asked. */
const STEP_ITERATIONS = 100;

/** A handler that computes for too long: here it derives keys, as a careless login handler does. */
export const heavy = {
  name: 'heavy',
  summary: 'burns CPU in user space, by deriving keys',
  unit: 'duration',
  example: 'heavy:30ms/100',
  plant: (amountNs) => ({ hit: () => deriveKeysFor(amountNs), [Symbol.dispose]() {} }),
} satisfies Fault;

/** Native code rather than a loop in JavaScript, because its frames have names that a stack sample can show. */
function deriveKeysFor(ns: number): void {
  const endMs = performance.now() + ns / 1e6;
  while (performance.now() < endMs) pbkdf2Sync('planted', 'fault', STEP_ITERATIONS, 32, 'sha512');
}
