/**
 * What a wake-up costs, told apart from what an event costs: least squares of CPU = a·events + b·wake-ups over windows of
 * time. It needs windows in which the two do not move together: other rates, or other shapes of arrivals.
 */
import { FIT } from '../limits.ts';

export type FitPoint = { events: number; wakeUps: number; cpuNs: number };

export type CpuFit = {
  /** a: CPU of one event, whatever woke the loop. */
  eventNs: number;
  /** b: CPU of one wake-up, whatever it brought. */
  wakeUpNs: number;
  /** Standard error of b. */
  wakeUpErrorNs: number;
  /** Share of the variation of CPU that the two explain. */
  r2: number;
  pointCount: number;
};

/** Good enough to say something by: null when the windows cannot tell the two apart, or explain too little. */
export function fitCpu(points: readonly FitPoint[]): CpuFit | null {
  const fit = leastSquares(points);
  return fit && fit.eventNs >= 0 && fit.wakeUpNs >= 0 && fit.r2 >= FIT.r2 ? fit : null;
}

/** The fit however poor; null when the windows cannot tell the two apart. */
export function leastSquares(points: readonly FitPoint[]): CpuFit | null {
  const used = points.filter(({ events, wakeUps, cpuNs }) => events > 0 && wakeUps > 0 && cpuNs > 0);
  if (used.length < FIT.windows) return null;
  let ee = 0;
  let ww = 0;
  let ew = 0;
  let ec = 0;
  let wc = 0;
  for (const { events, wakeUps, cpuNs } of used) {
    ee += events * events;
    ww += wakeUps * wakeUps;
    ew += events * wakeUps;
    ec += events * cpuNs;
    wc += wakeUps * cpuNs;
  }
  const determinant = ee * ww - ew * ew;
  // The share of the wake-ups' variation that the events do not share: without it any split fits.
  if (!(determinant / (ee * ww) >= FIT.independence)) return null;
  const eventNs = (ec * ww - wc * ew) / determinant;
  const wakeUpNs = (wc * ee - ec * ew) / determinant;
  const mean = used.reduce((sum, { cpuNs }) => sum + cpuNs, 0) / used.length;
  let left = 0;
  let all = 0;
  for (const { events, wakeUps, cpuNs } of used) {
    left += (cpuNs - eventNs * events - wakeUpNs * wakeUps) ** 2;
    all += (cpuNs - mean) ** 2;
  }
  const r2 = all > 0 ? 1 - left / all : 0;
  const wakeUpErrorNs = Math.sqrt(((left / (used.length - 2)) * ee) / determinant);
  return { eventNs, wakeUpNs, wakeUpErrorNs, r2, pointCount: used.length };
}
