import * as v from 'valibot';
import { count, name, number, numberOrNull, type Schema, text, wallMs } from '../schema-parts.ts';
import type { ReplayRecord } from './replay.ts';

const many = <T>(item: v.GenericSchema<unknown, T>, limit: number) =>
  v.pipe(v.array(item), v.maxLength(limit));
const status = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(999));

export const replaySchema: Schema<ReplayRecord> = v.object({
  log: v.object({
    sources: many(name, 64),
    sourceCount: count,
    format: v.object({ name, why: name }),
    readCount: count,
    requestCount: count,
    refused: many(
      v.object({
        reason: name,
        count,
        firstLines: many(v.object({ source: count, line: count }), 8),
        example: name,
      }),
      1000,
    ),
    skipped: many(v.object({ reason: name, count }), 1000),
    spanNs: numberOrNull,
    firstWallMs: v.nullable(wallMs),
    remarks: many(name, 64),
  }),
  clients: v.object({
    session: v.picklist(['ip', 'ip+agent', 'ip:port', 'connection', 'header', 'none']),
    why: name,
    distinct: v.nullable(count),
    atLimit: v.boolean(),
    unknownCount: count,
    waitedCount: count,
    movedCount: count,
    disorderedCount: count,
  }),
  schedule: v.object({
    pace: v.picklist(['speed', 'rate', 'max']),
    speed: numberOrNull,
    ratePerSec: numberOrNull,
    from: v.nullable(name),
    to: v.nullable(name),
    roundCount: count,
    grainNs: numberOrNull,
    spreadCount: count,
    overflowCount: count,
    follow: v.optional(
      v.object({
        behindNs: number,
        behindBytes: count,
        rotatedCount: count,
        truncatedCount: count,
        delayNs: v.optional(number),
        overtakenCount: v.optional(count),
      }),
    ),
  }),
  askedGaps: v.nullable(text),
  starved: v.object({ count, longestNs: number }),
  routes: many(v.object({ name, logged: v.nullable(text) }), 1000),
  statusMatrix: many(v.tuple([status, status, count]), 10_000),
  sizes: v.object({
    equal: count,
    larger: count,
    smaller: count,
    unknown: count,
    moreBytes: count,
    fewerBytes: count,
    filledCount: count,
  }),
});
