/** What the live forms show: the last seconds of each loop, and the newest stalls. Fed by a LiveListener's calls. */
import { formatCount, formatShare } from '../../base/units.ts';
import { histogramQuantile, sumHistograms } from '../../diagnose/facts/cycle-histogram.ts';
import { ratio, sumBy } from '../../diagnose/facts/numbers.ts';
import { cycleBucketHigh } from '../../record/cycle-buckets.ts';
import type { LiveListener, ObserverStatus, OpenStall, OpenStallEnd } from '../../record/live.ts';
import type { CycleWindow, LoopRecord, Stall } from '../../record/observation.ts';
import { loopLabel } from '../text/phrases.ts';
import { causeOf, openCauseOf, type StallCause } from './cause.ts';

/** One loop, over the last two seconds. Null: not visible in this tier, or nothing happened. */
export type LiveRow = {
  record: LoopRecord;
  label: string;
  isGone: boolean;
  cyclesPerSec: number | null;
  workNsP50: number | null;
  workNsP99: number | null;
  workNsMax: number | null;
  eventsPerWakeUp: number | null;
  eventsPerSec: number | null;
  /** Waits with timeout 0 that found nothing. */
  peeksPerSec: number | null;
  busyShare: number | null;
  runDelayShare: number;
  cpuShare: number;
  acceptsPerSec: number | null;
  /** Of first accepts after a wake-up, those that found nothing: another worker was faster. */
  herdShare: number | null;
  blockedShare: number | null;
  /** Since the beginning. */
  stallCount: number;
  isStuck: boolean;
  /** Longest work in each window, the newest last. */
  longestNs: readonly (number | null)[];
};

export type LogEntry = StallCause & {
  atNs: number;
  loopIndex: number;
  label: string;
  wallNs: number;
  /** work, wait (a late wake-up); open: it goes on; gone: the thread ended in it; lost: it ended, its record is lost. */
  kind: 'work' | 'wait' | 'open' | 'gone' | 'lost';
  openIndex: number | null;
};

type Loop = {
  record: LoopRecord;
  windows: CycleWindow[];
  longestNs: (number | null)[];
  /** Longest stall that ended in the present window. */
  stallNsMax: number;
  stallCount: number;
  open: OpenStall | null;
};

/** From here on a loop has no time to spare. */
const BUSY_SHARE = 0.98;
/** Fewer events than this for each look: most looks found nothing. */
const EMPTY_LOOK_EVENTS = 0.5;
const SPAN_NS = 2e9;
const SPARK_LENGTH = 64;
const LOG_LENGTH = 256;
/** How long one that is gone is still shown. */
const GONE_SHOWN_NS = 10e9;

export class LiveModel implements LiveListener {
  status: ObserverStatus | null = null;
  nowNs = 0;
  /** What all times are counted from, ms since 1970; null when nobody said. */
  startedWallMs: number | null = null;
  /** The entry that was written last, wherever it stands. */
  latest: LogEntry | null = null;
  stallCount = 0;
  goneCount = 0;
  /** By the time that stalls began; the newest last. */
  readonly log: LogEntry[] = [];
  readonly tierChanges: { atNs: number; tier: string; why: string }[] = [];
  readonly #loops = new Map<number, Loop>();

  onBegin(startedWallMs: number): void {
    this.startedWallMs = startedWallMs;
  }

  /** The time of day of a time of the watch, ms since 1970. */
  wallMsOf(atNs: number): number | null {
    return this.startedWallMs === null ? null : this.startedWallMs + atNs / 1e6;
  }

  onLoop(record: LoopRecord): void {
    const known = this.#loops.get(record.loopIndex);
    if (known) known.record = record;
    else {
      const empty = { windows: [], longestNs: [], stallNsMax: 0, stallCount: 0, open: null };
      this.#loops.set(record.loopIndex, { record, ...empty });
    }
    if (record.endNs !== null) this.goneCount++;
    this.#advance(record.endNs ?? record.startNs);
  }

  onWindows(windows: readonly CycleWindow[], status: ObserverStatus): void {
    this.status = status;
    for (const window of windows) {
      const loop = this.#loops.get(window.loopIndex);
      if (!loop) continue;
      this.#advance(window.startNs + window.durationNs);
      loop.windows.push(window);
      const endNs = window.startNs + window.durationNs;
      while (loop.windows.length > 1 && loop.windows[0]!.startNs < endNs - SPAN_NS) loop.windows.shift();
      loop.longestNs.push(this.#longestOf(loop, window));
      if (loop.longestNs.length > SPARK_LENGTH) loop.longestNs.shift();
      loop.stallNsMax = 0;
    }
    for (const [loopIndex, { record }] of this.#loops) {
      if (record.endNs !== null && this.nowNs - record.endNs > GONE_SHOWN_NS) this.#loops.delete(loopIndex);
    }
  }

  onStall(stall: Stall, openIndex: number | null): void {
    const loop = this.#loops.get(stall.loopIndex);
    this.stallCount++;
    this.#advance(stall.startNs + stall.wallNs);
    if (loop) {
      loop.stallCount++;
      if (stall.kind === 'work') loop.stallNsMax = Math.max(loop.stallNsMax, stall.wallNs);
    }
    const { kind, startNs, wallNs, loopIndex } = stall;
    this.#write({
      atNs: startNs,
      loopIndex,
      label: this.labelOf(loopIndex),
      wallNs,
      kind,
      openIndex,
      ...causeOf(stall),
    });
  }

  onOpenStall(open: OpenStall): void {
    const { loopIndex, openIndex, startNs, wallNs } = open;
    const loop = this.#loops.get(loopIndex);
    if (loop) loop.open = open;
    this.#advance(startNs + wallNs);
    const label = this.labelOf(loopIndex);
    this.#write({ atNs: startNs, loopIndex, label, wallNs, kind: 'open', openIndex, ...openCauseOf(open) });
  }

  onOpenStallEnd({ openIndex, loopIndex, how }: OpenStallEnd): void {
    const loop = this.#loops.get(loopIndex);
    if (loop) loop.open = null;
    if (how === 'finished') return; // its record takes the place of what was said of it
    const entry = this.log.find((candidate) => candidate.openIndex === openIndex);
    if (entry) entry.kind = how;
  }

  onTierChange(change: { atNs: number; tier: string; why: string }): void {
    this.#advance(change.atNs);
    this.tierChanges.push(change);
    if (this.tierChanges.length > LOG_LENGTH) this.tierChanges.shift();
  }

  labelOf(loopIndex: number): string {
    return loopLabel(this.#loops.get(loopIndex)?.record);
  }

  /** By pid and thread: rows do not jump about. */
  rows(): LiveRow[] {
    return [...this.#loops.values()]
      .map(rowOf)
      .sort((a, b) => a.record.pid - b.record.pid || a.record.tid - b.record.tid);
  }

  /** Loops that have had no time to spare of late, with what there is to say of each. */
  remarks(): { loopIndex: number; text: string }[] {
    return this.rows().flatMap((row) => {
      const text = remarkOf(row);
      return text === null ? [] : [{ loopIndex: row.record.loopIndex, text }];
    });
  }

  #advance(ns: number): void {
    if (ns > this.nowNs) this.nowNs = ns;
  }

  #longestOf(loop: Loop, window: CycleWindow): number | null {
    if (this.status?.tier === 'proc') return null;
    const open = loop.open?.wallNs ?? 0;
    const longest = Math.max(open, loop.stallNsMax || topOf(window));
    return longest > 0 ? longest : null;
  }

  /** In its place by time: a long stall ends after shorter ones of other loops that began later. */
  #write(entry: LogEntry): void {
    const before =
      entry.openIndex === null ? -1 : this.log.findIndex((other) => other.openIndex === entry.openIndex);
    if (before >= 0) this.log.splice(before, 1);
    const place = this.log.findLastIndex(({ atNs }) => atNs <= entry.atNs) + 1;
    this.log.splice(place, 0, entry);
    this.latest = entry;
    if (this.log.length > LOG_LENGTH) this.log.shift();
  }
}

/** Null while it sleeps now and then, and of one that is stuck in a single turn: that has a line of its own. */
function remarkOf({ busyShare, isStuck, isGone, label, cyclesPerSec, eventsPerSec, peeksPerSec }: LiveRow) {
  if (isStuck || isGone || busyShare === null || busyShare < BUSY_SHARE) return null;
  const looks = (cyclesPerSec ?? 0) + (peeksPerSec ?? 0);
  // With an event for each look the work is real; without, it asks again and again.
  const what =
    (eventsPerSec ?? 0) < looks * EMPTY_LOOK_EVENTS
      ? `it polls instead of sleeping, ${formatCount(Math.round(looks))} times a second`
      : `more work would have to wait; ${formatCount(Math.round(looks))} turns a second`;
  return `${label} is busy ${formatShare(busyShare)} of its time: ${what}`;
}

/** End of the highest bucket in use: no cycle was longer. 0: there was none. */
function topOf({ workHistogram }: CycleWindow): number {
  const top = workHistogram.at(-1);
  return top ? cycleBucketHigh(top[0]) : 0;
}

function rowOf(loop: Loop): LiveRow {
  const { windows, record } = loop;
  const timeNs = sumBy(windows, (w) => w.durationNs);
  const cycleCount = sumBy(windows, (w) => w.cycleCount);
  const waitNs = sumBy(windows, (w) => w.waitNs);
  const workNs = sumBy(windows, (w) => w.workNs);
  const work = sumHistograms(windows.map((w) => w.workHistogram));
  const acceptCount = sumBy(windows, (w) => w.acceptCount);
  const eagainCount = sumBy(windows, (w) => w.acceptFirstEagainCount);
  const isProc = windows.some((w) => w.blockedShare !== null);
  const perSec = (count: number) => (isProc || timeNs < 1 ? null : (count / timeNs) * 1e9);
  const longest = loop.longestNs.slice(-windows.length).filter((ns) => ns !== null);
  const blockedNs = sumBy(windows, (w) => (w.blockedShare ?? 0) * w.durationNs);
  return {
    record,
    label: loopLabel(record),
    isGone: record.endNs !== null,
    cyclesPerSec: perSec(cycleCount),
    workNsP50: histogramQuantile(work, 0.5),
    workNsP99: histogramQuantile(work, 0.99),
    workNsMax: longest.length > 0 && windows.length > 0 ? Math.max(...longest) : null,
    eventsPerWakeUp: cycleCount >= 1 ? sumBy(windows, (w) => w.eventCount) / cycleCount : null,
    eventsPerSec: perSec(sumBy(windows, (w) => w.eventCount)),
    peeksPerSec: perSec(sumBy(windows, (w) => w.peekCount)),
    // A turn that has not ended is in neither sum yet.
    busyShare: isProc ? null : loop.open ? 1 : workNs + waitNs > 0 ? ratio(workNs, workNs + waitNs) : null,
    runDelayShare: ratio(
      sumBy(windows, (w) => w.runDelayNs),
      timeNs,
    ),
    cpuShare: ratio(
      sumBy(windows, (w) => w.cpuNs),
      timeNs,
    ),
    acceptsPerSec: perSec(acceptCount),
    herdShare: acceptCount + eagainCount > 0 ? eagainCount / (acceptCount + eagainCount) : null,
    blockedShare: isProc ? ratio(blockedNs, timeNs) : null,
    stallCount: loop.stallCount,
    isStuck: loop.open !== null,
    longestNs: loop.longestNs,
  };
}
