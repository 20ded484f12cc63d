/**
 * What a load thread shares with the main thread: counters, arrival bins and histogram slots, in shared memory. The
 * thread writes, the main thread reads whenever it likes; nothing is sent while the load runs, so that watching costs
 * the thread nothing.
 */
import { HISTOGRAM_BUCKETS } from '../../record/histogram.ts';
import { ARRIVAL_BINS } from './arrival-bins.ts';
import { SLOT_BYTES, SLOT_COUNT } from './block-slots.ts';
import { createKindMemory } from './kind-counts.ts';
import { GAP_BYTES } from './send-gaps.ts';

/** Indices into ThreadMemory.counters; the first seven are OutcomeCounts. */
export const COUNTER = {
  planned: 0,
  ok: 1,
  wrong: 2,
  error: 3,
  timeout: 4,
  unsent: 5,
  unfinished: 6,
  sent: 7,
  inFlight: 8,
  open: 9,
  opened: 10,
  failed: 11,
  reopened: 12,
  closedByPeer: 13,
  lateReplies: 14,
  /** What the kernel took; set when the load is over. */
  bytesSent: 15,
  bytesReceived: 16,
  waiting: 17,
  /** ∫ in-flight dt over the measured span, and that span, ns. */
  inFlightArea: 18,
  inFlightSpanNs: 19,
  inFlightMax: 20,
  /** When the last connection was lost, ns since run start; 0 while there is one. */
  downSinceNs: 21,
  shortGaps: 22,
  gaps: 23,
  /** Connections closed because they had had their share of requests. */
  retired: 24,
  /** Of ok and wrong, those that came before sending ended. */
  answeredInTime: 25,
  /** Connections closed by the peer without one good reply. */
  turnedAway: 26,
  /** Of the connections wanted, those of use when sending ended. */
  held: 27,
  /** Connections that brought bytes nobody had asked for, and those closed by the peer with nothing under way. */
  unasked: 38,
  closedIdle: 39,
  /** Requests sent a second time, because the server had announced that it would not answer them. */
  sentAgain: 40,
  /** Requests sent late, by what most of their wait was for: WAIT; and those never sent. */
  late: 41,
  unsentFor: 46,
  /** Of the connects that failed, those at which nobody was there; and the last such errno. */
  unanswered: 36,
  lastErrno: 37,
  /** What the thread does with its CPU just now: DOING. Written twice a reply, read by whoever samples. */
  doing: 51,
} as const;

const COUNTER_COUNT = 52;

/** Why a request waited. */
export const WAIT = { allTaken: 0, noConnection: 1, clientAway: 2, suspended: 3, predecessor: 4 } as const;
export const WAIT_COUNT = 5;

/** Parts of a load thread's work that its CPU times do not tell apart. */
export const DOING = { other: 0, parsing: 1, checking: 2 } as const;

/** Words of the control block, one a run. */
export const CONTROL = { go: 0, stop: 1 } as const;

/** A control block, shared by all threads: go and stop flags, then the load's start as a double. */
export type ControlMemory = { readonly buffer: SharedArrayBuffer };

export function createControl(): ControlMemory {
  return { buffer: new SharedArrayBuffer(40) };
}

export function controlFlags(control: ControlMemory): Int32Array {
  return new Int32Array(control.buffer, 0, 4);
}

/** One double: ns since run start at which the load begins. */
export function controlStart(control: ControlMemory): Float64Array {
  return new Float64Array(control.buffer, 16, 1);
}

/** Two doubles that all threads write: the time of the last request sent by any of them, and the gap before it. */
export function controlLastSent(control: ControlMemory): Float64Array {
  return new Float64Array(control.buffer, 24, 2);
}

export type ThreadMemory = {
  readonly counters: Float64Array;
  readonly sentBins: SharedArrayBuffer;
  readonly plannedBins: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  readonly kinds: SharedArrayBuffer;
  readonly gaps: SharedArrayBuffer;
  /** Bucket counts of how long turns of the loop lasted, each weighed with its events. */
  readonly turns: Uint32Array;
};

export function createThreadMemory(kindCount = 1): ThreadMemory {
  return {
    counters: new Float64Array(new SharedArrayBuffer(COUNTER_COUNT * 8)),
    sentBins: new SharedArrayBuffer(8 + ARRIVAL_BINS * 2),
    plannedBins: new SharedArrayBuffer(8 + ARRIVAL_BINS * 2),
    slots: new SharedArrayBuffer(SLOT_COUNT * SLOT_BYTES),
    kinds: createKindMemory(kindCount),
    gaps: new SharedArrayBuffer(GAP_BYTES),
    turns: new Uint32Array(new SharedArrayBuffer(HISTOGRAM_BUCKETS * 4)),
  };
}
