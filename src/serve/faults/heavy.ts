import type { Fault } from './fault.ts';

/** A handler that computes for too long. */
export const heavy = {
  name: 'heavy',
  summary: 'burns CPU in user space',
  unit: 'duration',
  example: 'heavy:30ms/100',
  plant: (amountNs) => ({ hit: () => burnCpu(amountNs), [Symbol.dispose]() {} }),
} satisfies Fault;

/** Named, so that stacks of the loop thread show who burns. */
function burnCpu(ns: number): number {
  const endMs = performance.now() + ns / 1e6;
  let sum = 0;
  while (performance.now() < endMs) for (let i = 0; i < 200; i++) sum += Math.sqrt(i);
  return sum;
}
