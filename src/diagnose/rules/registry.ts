import type { Rule } from '../rule.ts';
import { acceptImbalance } from './accept-imbalance.ts';
import { acceptQueueOverflow } from './accept-queue-overflow.ts';
import { acceptStranded } from './accept-stranded.ts';
import { acceptThunderingHerd } from './accept-thundering-herd.ts';
import { blockLock } from './block-lock.ts';
import { blockSynchronousCall } from './block-synchronous-call.ts';
import { clientSaturated } from './client-saturated.ts';
import { clientSynchronised } from './client-synchronised.ts';
import { cpuContended } from './cpu-contended.ts';
import { cpuKernelThread } from './cpu-kernel-thread.ts';
import { cpuPreempted } from './cpu-preempted.ts';
import { cpuSteal } from './cpu-steal.ts';
import { cpuThrottled } from './cpu-throttled.ts';
import { healthy } from './healthy.ts';
import { ioDisk } from './io-disk.ts';
import { ioFsync } from './io-fsync.ts';
import { loopHeavyHandler } from './loop-heavy-handler.ts';
import { loopSaturated } from './loop-saturated.ts';
import { loopTooManyEvents } from './loop-too-many-events.ts';
import { memoryMajorFault } from './memory-major-fault.ts';
import { observerOverhead } from './observer-overhead.ts';
import { observerPtrace } from './observer-ptrace.ts';
import { serverEndless } from './server-endless.ts';
import { serverGone } from './server-gone.ts';
import { serverSilent } from './server-silent.ts';
import { unexplained } from './unexplained.ts';
import { waitTimerSlack } from './wait-timer-slack.ts';

/**
 * In the order of tests: a server that is not there, what falsifies the measurement, what the kernel counted at the door whoever drove the load, what
 * is legal, what the host did (steal, run queue), what
 * the loop was blocked in, what it computed, then what the load did; last the two that say there is no culprit.
 */
export const RULES: readonly Rule[] = [
  serverGone,
  observerPtrace,
  observerOverhead,
  acceptThunderingHerd,
  acceptStranded,
  acceptQueueOverflow,
  serverSilent,
  serverEndless,
  clientSaturated,
  waitTimerSlack,
  cpuSteal,
  cpuThrottled,
  cpuContended,
  cpuPreempted,
  cpuKernelThread,
  ioDisk,
  memoryMajorFault,
  ioFsync,
  blockLock,
  blockSynchronousCall,
  loopTooManyEvents,
  loopHeavyHandler,
  acceptImbalance,
  loopSaturated,
  clientSynchronised,
  unexplained,
  healthy,
];
