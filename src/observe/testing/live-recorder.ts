/** A LiveListener that keeps what it is told, each with the moment it was told at. For tests only. */
import type { Clock } from '../../base/clock.ts';
import type { LiveListener, ObserverStatus, OpenStall, OpenStallEnd } from '../../record/live.ts';
import type { CycleWindow, LoopRecord, Stall } from '../../record/observation.ts';

export type LiveRecorder = LiveListener & {
  loops: LoopRecord[];
  windows: CycleWindow[];
  statuses: ObserverStatus[];
  stalls: { stall: Stall; openIndex: number | null; toldNs: number }[];
  opens: (OpenStall & { toldNs: number })[];
  ends: OpenStallEnd[];
  tiers: { tier: string; why: string }[];
};

export function recordLive(clock: Clock): LiveRecorder {
  const recorder: LiveRecorder = {
    loops: [],
    windows: [],
    statuses: [],
    stalls: [],
    opens: [],
    ends: [],
    tiers: [],
    onLoop: (record) => void recorder.loops.push({ ...record }),
    onWindows(windows, status) {
      recorder.windows.push(...windows);
      recorder.statuses.push(status);
    },
    onStall: (stall, openIndex) => void recorder.stalls.push({ stall, openIndex, toldNs: clock.nowNs() }),
    onOpenStall: (open) => void recorder.opens.push({ ...open, toldNs: clock.nowNs() }),
    onOpenStallEnd: (end) => void recorder.ends.push(end),
    onTierChange: (change) => void recorder.tiers.push(change),
  };
  return recorder;
}
