/** What the schemas of a run file's records are made of. */
import * as v from 'valibot';
import type { ClientCost, LoadRecord, NetworkRecord, WaitRecord } from './load.ts';

export type Schema<T> = v.GenericSchema<unknown, T>;

/** JSON has no NaN, but 1e999 is read as Infinity. Past 2^63 ns no clock of ours goes, and sums of sums would overflow. */
export const number = v.pipe(v.number(), v.minValue(-(2 ** 63)), v.maxValue(2 ** 63));
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const text = v.pipe(v.string(), v.maxLength(1_000_000));
export const name = v.pipe(v.string(), v.maxLength(65_536));
/** From 1970 to the year 9999: what every form can write as a date. */
export const wallMs = v.pipe(v.number(), v.minValue(0), v.maxValue(253_402_300_799_999));
/** Threads and processes of one run: ten times as many as any machine of ours had, and no more than a report can draw. */
export const many = <T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.maxLength(50_000));
export const numberOrNull = v.nullable(number);

/** Names come from the file: only plain ones may become keys. v.record would drop this one without a word. */
const plainNames = v.custom<object>(
  (value) => typeof value === 'object' && value !== null && !Object.hasOwn(value, '__proto__'),
);
export const countsByName = v.pipe(plainNames, v.record(name, count));
const textsByName = v.pipe(plainNames, v.record(name, name));

const waitCounts = v.object({
  allTaken: count,
  noConnection: count,
  clientAway: count,
  suspended: count,
  predecessor: v.optional(count),
});
const span = v.nullable(v.object({ fromNs: number, toNs: number }));

export const waitSchema: Schema<WaitRecord> = v.object({
  late: waitCounts,
  unsent: waitCounts,
  longestAbsence: span,
  longestSilence: span,
  suspendedNs: number,
});

/** Fields of LoadRecord that earlier files lack: what held up a load, and what the server said. */
export const loadDetails = {
  firstTexts: v.optional(textsByName),
  waits: v.optional(waitSchema),
  outages: v.optional(
    v.pipe(
      v.array(v.object({ fromNs: number, toNs: numberOrNull, closed: count, refused: count, errno: name })),
      v.maxLength(64),
    ),
  ),
} satisfies Record<string, Schema<LoadRecord[keyof LoadRecord]>>;

export const clientSchema: Schema<ClientCost> = v.object({
  wallNs: number,
  threads: many(
    v.object({
      threadIndex: count,
      tid: count,
      userNs: number,
      systemNs: number,
      runDelayNs: number,
      spinNs: number,
      waitCount: number,
      eventCount: number,
      turns: v.optional(text),
      gcNs: v.optional(number),
      gcCount: v.optional(count),
      allocatedBytes: v.optional(number),
      doing: v.optional(v.object({ count, parsing: count, checking: count })),
    }),
  ),
  throttledNs: numberOrNull,
  timerOversleepNsP50: number,
  timerOversleepNsP99: number,
  gcPauseNs: number,
  stealNs: v.optional(number),
  quota: v.optional(v.nullable(v.object({ path: name, cpus: number }))),
  rivals: v.optional(v.pipe(v.array(v.object({ pid: count, comm: name, cpuNs: number })), v.maxLength(100))),
});

export const networkSchema: Schema<NetworkRecord> = v.object({
  listenOverflows: numberOrNull,
  listenDrops: numberOrNull,
  requestQueueFullDrops: numberOrNull,
  synRetransmits: numberOrNull,
  retransSegs: numberOrNull,
  timeWaitSockets: numberOrNull,
  localPortCount: numberOrNull,
  localPorts: v.optional(v.object({ from: count, to: count })),
  timeWaitReuse: v.optional(count),
  timeWaitToTarget: v.optional(count),
  card: v.optional(
    v.object({
      name,
      speedBitsPerSec: numberOrNull,
      receivedBytes: number,
      sentBytes: number,
      receiveDrops: number,
      sendDrops: number,
    }),
  ),
});
