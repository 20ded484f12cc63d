/** Situations that both planted faults and their look-alikes begin from. */
import { NS_PER_S } from '../../base/units.ts';
import { quietRun, type RunBuilder } from './run-builder.ts';

/** Replies of which `lateShare` took `lateMs`. */
export function late(builder: RunBuilder, lateMs: number, lateShare: number): RunBuilder {
  const count = Math.round(20_000 * lateShare);
  return builder.response([
    [0.2, 20_000 - count],
    [lateMs, count],
  ]);
}

export const HOG = 4242;

export function hogOnOneCore(): RunBuilder {
  return late(quietRun(), 3, 0.4)
    .loop(0, { cpusAllowed: '0' })
    .neighbour({ pid: HOG, comm: 'burn', commandLine: './burn --all', cpuNs: 9 * NS_PER_S, cpusAllowed: '0' })
    .stalls(600, { kind: 'wait', wallMs: 3, contended: [[HOG, 'burn', 2.9]] });
}

export function heavyNode(): RunBuilder {
  return late(quietRun(), 30, 0.3).stalls(200, {
    wallMs: 31,
    userMs: 30,
    systemMs: [['', 0.8]],
    events: 3,
    more: { stacks: [{ count: 9, inKernel: false, frames: ['burnCpu /srv/app.js:10', 'onRequest'] }] },
  });
}

/** Loops that do not wake once, from the given one on. */
export function asleep(builder: RunBuilder, fromLoop = 0): RunBuilder {
  const still = {
    cycleCount: 0,
    eventCount: 0,
    timeoutCount: 0,
    workNs: 0,
    waitNs: 0,
    cpuNs: 0,
    runDelayNs: 0,
  };
  const never = { workHistogram: [], eventHistogram: [], voluntarySwitches: 0, involuntarySwitches: 0 };
  for (let loop = fromLoop; loop < 2; loop++) builder.window(loop, { ...still, ...never });
  return builder;
}

/** All connections are taken and the client has CPU to spare. */
export function overload(builder: RunBuilder): RunBuilder {
  const busy = {
    cycleCount: 2000,
    eventCount: 50_000,
    workNs: 9.9e9,
    waitNs: 0.1e9,
    cpuNs: 9e9,
    runDelayNs: 0.8e9,
  };
  const crowded = { eventHistogram: [[25, 2000]] as [number, number][] };
  return builder
    .window(0, { ...busy, ...crowded })
    .window(1, { ...busy, ...crowded })
    .counts({ planned: 1_000_000, ok: 100_000, unsent: 899_950, unfinished: 50 })
    .lateness([[900, 100_000]])
    .response([[901, 100_000]], [[900, 50]])
    .load({ inFlight: { mean: 50, max: 50, limit: 50 } });
}
