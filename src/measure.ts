/**
 * One measurement: load, observation, or both at once, as one Run. The observer runs on this thread, the load on
 * worker threads, so that neither waits for the other.
 */
import { createClock } from './base/clock.ts';
import { LoopscopeError } from './base/errors.ts';
import type { Target } from './base/address.ts';
import { type LoadOptions, startLoad } from './drive/drive.ts';
import { loopCapabilities } from './kernel/features.ts';
import { startObservation } from './observe/observe.ts';
import type { LoadRecord } from './record/load.ts';
import type { ObservationRecord, Stall } from './record/observation.ts';
import { type Capability, RUN_FORMAT_VERSION, type Run } from './record/run.ts';
import { readEnvironment } from './environment.ts';
import { VERSION } from './version.ts';
