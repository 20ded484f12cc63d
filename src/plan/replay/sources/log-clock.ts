/**
 * The clock that a log was written by, which may jump. A stamp that leaps ahead would put all that follows out of reach of
 * the reorder window, so it is believed only when most of the lines behind it agree with it, and not with the time before.
 * A clock without a zone is set back by an hour in autumn: then too the lines behind decide, and time goes on.
 */
import { HELD_LIMIT, type HeldLines } from './held-lines.ts';

/** A line further ahead of the newest than this leaps. */
export const LEAP_SEC = 60;
/** A last line has none behind it: it is believed when it leaps no further. */
const LAST_LEAP_SEC = 3600;
const HOUR_SEC = 3600;
/** So long may a log have been silent when its clock was set. */
const SILENT_SEC = 600;
const MAJORITY = HELD_LIMIT / 2 + 1;

export type ClockVerdict = 'right' | 'wrong' | 'look further';

export class LogClock {
  /** What is to be added to stamps since the clock was set back. */
  shiftSec = 0;
  setBackCount = 0;
  /** Stamps have no zone. */
  isLocal = false;
  #newestSec = Number.NEGATIVE_INFINITY;

  /** Whether a stamp (seconds since 1970, as it stands there) can be right whatever follows. */
  isSteady(stampSec: number): boolean {
    const sec = stampSec + this.shiftSec;
    if (sec > this.#newestSec + LEAP_SEC || this.#isHourBack(sec)) return false;
    if (sec > this.#newestSec) this.#newestSec = sec;
    return true;
  }

  /** Of the first of the held lines, by those behind it. `isAll`: no more can be looked at. */
  judge(held: HeldLines, isAll: boolean): ClockVerdict {
    const stampSec = held.stampSec(0);
    if (this.isSteady(stampSec)) return 'right';
    const isBack = stampSec + this.shiftSec < this.#newestSec;
    const agreeing = isBack
      ? countBelow(held, stampSec + HOUR_SEC / 2)
      : held.count - countBelow(held, stampSec - LEAP_SEC);
    const against = held.count - agreeing;
    if (!isAll && agreeing < MAJORITY && against < MAJORITY - 1) return 'look further';
    const isAlone = held.count === 1;
    if (isBack) {
      // Otherwise it is one old line, for the reorder window to judge.
      if (!isAlone && agreeing > against) this.#setBack();
      return 'right';
    }
    const leapSec = stampSec + this.shiftSec - this.#newestSec;
    const isFirst = leapSec === Number.POSITIVE_INFINITY;
    const isBelieved = isAlone ? isFirst || leapSec <= LAST_LEAP_SEC : agreeing > against;
    if (!isBelieved) return 'wrong';
    // In spring it is set as it was.
    const isHourOn = leapSec > HOUR_SEC - LEAP_SEC && leapSec < HOUR_SEC + SILENT_SEC;
    if (this.shiftSec > 0 && isHourOn) this.shiftSec -= HOUR_SEC;
    this.#newestSec = stampSec + this.shiftSec;
    return 'right';
  }

  #setBack(): void {
    this.shiftSec += HOUR_SEC;
    this.setBackCount++;
  }

  /** An hour behind the newest, by a clock that has no zone. */
  #isHourBack(sec: number): boolean {
    const backSec = this.#newestSec - sec;
    return this.isLocal && backSec > HOUR_SEC - SILENT_SEC && backSec < HOUR_SEC + LEAP_SEC;
  }
}

function countBelow(held: HeldLines, sec: number): number {
  let count = 0;
  for (let i = 0; i < held.count; i++) if (held.stampSec(i) < sec) count++;
  return count;
}
