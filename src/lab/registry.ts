import { batching } from './batching.ts';
import { blockingCall } from './blocking-call.ts';
import { demo } from './demo.ts';
import type { Experiment } from './experiment.ts';
import { heldLock } from './held-lock.ts';
import { herd } from './herd.ts';
import { syncWrite } from './sync-write.ts';

/** Every experiment, the one to begin with first. */
export const EXPERIMENTS: readonly Experiment[] = [demo, syncWrite, blockingCall, heldLock, herd, batching];
