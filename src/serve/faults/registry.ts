import { allocate } from './allocate.ts';
import type { Fault } from './fault.ts';
import { fsync } from './fsync.ts';
import { heavy } from './heavy.ts';
import { lock } from './lock.ts';
import { sleep } from './sleep.ts';

/** Every fault that can be planted. */
export const FAULTS: readonly Fault[] = [heavy, fsync, sleep, lock, allocate];
