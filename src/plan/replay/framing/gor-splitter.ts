/**
 * Requests of a .gor file, each with the reply that was recorded for it where there is one: a request waits, within
 * bounds, until its reply has come. A record is then the request's payload, a separator, and the reply's.
 *
 * Invariants
 *  G1  Every payload is one record: requests in their order in the file, replies where they stand, as nothing to send.
 *  G2  No more is held than HELD_BYTES_MAX and HELD_COUNT_MAX; the oldest then goes on without its reply.
 */
import { readUint } from '../lines/bytes.ts';
import { REFUSAL } from '../lines/refusal.ts';
import { PAYLOAD_SEPARATOR, PayloadSplitter } from './payload-splitter.ts';
import { fillRecord, type LogRecord, refuseRecord, type Splitter } from './splitter.ts';

export const HELD_COUNT_MAX = 4096;
export const HELD_BYTES_MAX = 8 << 20;
/** A reply that has not come so long after is not waited for: of the log's own time. */
export const HELD_SEC = 10;
/** A recording without replies shows in so many requests, and is then not held. */
const TRIED_COUNT = 64;

const REQUEST = 0x31;
const REPLY = 0x32;
const REPLAYED = 0x33;
const SPACE = 0x20;
/** "1 ", the id, a space: GoReplay's ids are 24 or 40 letters. */
const ID_BYTES_MAX = 64;

type Held = {
  id: string;
  request: Buffer;
  reply: Buffer | null;
  /** Seconds since 1970; 0: not known. */
  sec: number;
  number: number;
  isTooLong: boolean;
};

export function createGorSplitter(): Splitter {
  const payloads = new PayloadSplitter();
  const queue: Held[] = [];
  const waiting = new Map<string, Held>();
  let heldBytes = 0;
  let latestSec = 0;
  let number = 0;
  let sawReply = false;
  let ended = false;

  function isReady(): boolean {
    const [oldest] = queue;
    if (oldest === undefined) return false;
    if (oldest.reply !== null || oldest.isTooLong) return true;
    if (queue.length > HELD_COUNT_MAX || heldBytes > HELD_BYTES_MAX) return true;
    return latestSec - oldest.sec > HELD_SEC || (!sawReply && number > TRIED_COUNT);
  }

  function release(record: LogRecord): true {
    const held = queue.shift()!;
    if (waiting.get(held.id) === held) waiting.delete(held.id);
    heldBytes -= held.request.length + (held.reply?.length ?? 0);
    record.number = held.number;
    if (held.isTooLong) {
      refuseRecord(record, REFUSAL.tooLong);
      return true;
    }
    const { request, reply } = held;
    const bytes = reply === null ? request : Buffer.concat([request, PAYLOAD_SEPARATOR, reply]);
    fillRecord(record, bytes, 0, bytes.length);
    return true;
  }

  function hold(id: string): void {
    const request = payload();
    const sec = stampSec(request, id);
    // The latest, not the greatest: a clock that is put back must not end all waiting.
    latestSec = sec;
    const held = { id, request, reply: null, sec, number, isTooLong: payloads.truncated };
    queue.push(held);
    waiting.set(id, held);
    heldBytes += request.length;
  }

  function answer(id: string): void {
    const held = waiting.get(id);
    sawReply = true;
    if (held === undefined) return;
    held.reply = payload();
    heldBytes += held.reply.length;
    waiting.delete(id);
  }

  function payload(): Buffer {
    return Buffer.from(payloads.bytes.subarray(payloads.start, payloads.end));
  }

  /** True when the payload is a record at once; a request is held. */
  function take(record: LogRecord): boolean {
    record.number = ++number;
    const { bytes, start, end, unfinished } = payloads;
    const kind = bytes[start];
    const id = idOf(bytes, start, end);
    if (kind === REQUEST && id !== '' && !unfinished) {
      hold(id);
      return false;
    }
    if ((kind === REPLY || kind === REPLAYED) && id !== '') {
      if (kind === REPLY) answer(id);
      refuseRecord(record, REFUSAL.aside);
      return true;
    }
    fillRecord(record, bytes, start, end);
    if (payloads.truncated) refuseRecord(record, REFUSAL.tooLong);
    record.unfinished = unfinished;
    return true;
  }

  return {
    push(chunk) {
      payloads.push(chunk);
    },
    end() {
      ended = true;
    },
    next(record) {
      for (;;) {
        if (isReady()) return release(record);
        const isMore = payloads.next() || (ended && payloads.last());
        if (!isMore) return ended && queue.length > 0 && release(record);
        if (take(record)) return true;
      }
    },
  };
}

/** "1 ID …"; empty for none. */
function idOf(bytes: Buffer, start: number, end: number): string {
  if (bytes[start + 1] !== SPACE) return '';
  const stop = bytes.indexOf(SPACE, start + 2);
  return stop < 0 || stop >= end || stop - start > ID_BYTES_MAX
    ? ''
    : bytes.toString('latin1', start + 2, stop);
}

/** "1 ID NANOSECONDS": the seconds of it; 0 for none. */
function stampSec(request: Buffer, id: string): number {
  const from = id.length + 3;
  let to = from;
  while (to < request.length && request[to]! > SPACE) to++;
  return Math.max(0, readUint(request, from, to - 9));
}
