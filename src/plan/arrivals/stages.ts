/** A run in stages: each holds a rate or changes it evenly, for its own time. "0-2000/10s", "2000/30s@gamma:cv=3". */
import { LoopscopeError } from '../../base/errors.ts';
import { NS_PER_S, parseDurationNs, parseRatePerSec } from '../../base/units.ts';
import { type ArrivalSpec, formatArrival, parseArrival } from './arrival-spec.ts';

export type Stage = {
  readonly durationNs: number;
  readonly fromRatePerSec: number;
  readonly toRatePerSec: number;
  /** Null or absent: the run's. */
  readonly arrival?: ArrivalSpec | null;
};

const MAX_STAGE_COUNT = 1000;
const EXAMPLE = 'write RATE/TIME or FROM-TO/TIME, as in --stage 0-2000/10s --stage 2000/30s';

/** Reads RATE/TIME, FROM-TO/TIME, either with @ARRIVAL behind. Throws USAGE that points at the part at fault. */
export function parseStage(text: string, option = '--stage'): Stage {
  const where = `${option} ${text}`;
  const match = /^([^/@]*)\/([^@]*?)(?:@(.*))?$/.exec(text.trim());
  if (!match) throw new LoopscopeError('USAGE', `${option}: "${text}" is not a stage`, EXAMPLE);
  const [, rates, time, arrival] = match;
  const parts = rates!.split('-');
  if (parts.length > 2)
    throw new LoopscopeError('USAGE', `${where}: "${rates}" is not one rate or two`, EXAMPLE);
  const [from, to] = parts.map((part) => stageRate(part, where));
  const durationNs = parseDurationNs(time!, where);
  if (durationNs === 0) throw new LoopscopeError('USAGE', `${where}: lasts no time`, EXAMPLE);
  return {
    durationNs,
    fromRatePerSec: from!,
    toRatePerSec: to ?? from!,
    arrival: arrival === undefined ? null : parseArrival(arrival, where),
  };
}

/** As it would be typed. */
export function formatStage({ durationNs, fromRatePerSec, toRatePerSec, arrival }: Stage): string {
  const rates = fromRatePerSec === toRatePerSec ? `${fromRatePerSec}` : `${fromRatePerSec}-${toRatePerSec}`;
  const time =
    durationNs % 1e6 === 0 && durationNs % NS_PER_S !== 0 ? `${durationNs / 1e6}ms` : `${durationNs / 1e9}s`;
  return `${rates}/${time}${arrival ? `@${formatArrival(arrival)}` : ''}`;
}

/** A stage, unlike a run, may have no requests at all. */
function stageRate(text: string, where: string): number {
  return /^\s*0+(\.0+)?\s*$/.test(text) ? 0 : parseRatePerSec(text, where);
}

export type StageSpan = { readonly index: number; readonly fromNs: number; readonly toNs: number };

/** Where each stage lies, ns since the load began. */
export function stageSpans(stages: readonly Stage[]): StageSpan[] {
  let fromNs = 0;
  return stages.map(({ durationNs }, index) => {
    const span = { index, fromNs, toNs: fromNs + durationNs };
    fromNs = span.toNs;
    return span;
  });
}

/** The sum of the stages' times, the rate over all of it, and the highest rate of any. Throws USAGE for no stages. */
export function stageTotals(stages: readonly Stage[]): {
  durationNs: number;
  meanRatePerSec: number;
  peakRatePerSec: number;
} {
  if (stages.length === 0 || stages.length > MAX_STAGE_COUNT) {
    throw new LoopscopeError('USAGE', `--stage: from 1 to ${MAX_STAGE_COUNT} stages, not ${stages.length}`);
  }
  const durationNs = stages.reduce((sum, stage) => sum + stage.durationNs, 0);
  const count = stages.reduce(
    (sum, stage) => sum + ((stage.fromRatePerSec + stage.toRatePerSec) / 2) * (stage.durationNs / 1e9),
    0,
  );
  return {
    durationNs,
    meanRatePerSec: count / (durationNs / 1e9),
    peakRatePerSec: Math.max(...stages.flatMap((stage) => [stage.fromRatePerSec, stage.toRatePerSec])),
  };
}
