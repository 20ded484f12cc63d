import { sleepBlockingNs } from '../../kernel/sleep.ts';
import type { Fault } from './fault.ts';

/** A handler that makes a blocking call: here the plainest of them. */
export const sleep = {
  name: 'sleep',
  summary: 'blocks in clock_nanosleep(2)',
  unit: 'duration',
  example: 'sleep:50ms/100',
  plant: (amountNs) => ({ hit: () => sleepBlockingNs(amountNs), [Symbol.dispose]() {} }),
} satisfies Fault;
