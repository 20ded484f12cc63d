/** Wording that the terminal and the page share. Strings from outside are passed on as they are. */
import { printable } from '../../base/printable.ts';
import { formatNs, formatShare } from '../../base/units.ts';
import { ratio, sumBy } from '../../diagnose/facts/numbers.ts';
import { notOkShare, wrongReasons } from '../../diagnose/facts/throughput.ts';
import type { Diagnosis, Finding } from '../../diagnose/finding.ts';
import { missedExits } from '../../record/exits.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { LoopRecord, Stall } from '../../record/observation.ts';
import type { ReplaySchedule } from '../../record/replay/replay.ts';
import type { Run } from '../../record/run.ts';
import type { Quantile } from '../model/distribution.ts';
import { isSpoilt, type LatencyRow, type QUANTILES } from '../model/latency.ts';
import { answeredPerSec, OUTCOME_KINDS, unaccountedCount } from '../model/load-summary.ts';
import type { AccountPart } from '../model/stall-account.ts';

/** Pids in a sentence before it says how many more. */
const EXITS_TOLD = 3;
const REASON_LENGTH = 60;

/** Whole numbers with thin grouping: 39990 → "39 990". */
export function formatWhole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

/** "2 000/s", and "0.5/s" where whole numbers would be another rate. */
export function formatRate(perSec: number): string {
  return `${perSec < 100 ? Number(perSec.toPrecision(3)) : formatWhole(perSec)}/s`;
}

/** "≥1.00 s" for a lower bound. */
export function formatQuantile(quantile: Quantile | null): string {
  if (quantile === null) return '–';
  return (quantile.atLeast ? '≥' : '') + formatNs(quantile.ns);
}

/** A cell of a latency table: "void" for what a check spoils, "–" for too few requests. */
export function quantileText(
  row: Pick<LatencyRow, 'withheld' | 'withheldAbove' | 'quantiles'>,
  { name, q }: (typeof QUANTILES)[number],
): string {
  return isSpoilt(row, q) ? 'void' : formatQuantile(row.quantiles[name]);
}

/** A number in the unit that a check or a piece of evidence gives it. */
export function formatValue(value: number, unit: string): string {
  // One more digit than formatShare(): a limit of 99.5 % must not read as 100 %.
  if (unit === 'share') return `${Number((value * 100).toPrecision(3))} %`;
  if (unit === 'ns') return formatNs(value);
  const rounded = Number.isInteger(value) ? formatWhole(value) : String(Number(value.toPrecision(3)));
  return unit === '' || unit === 'ratio' ? rounded : `${rounded} ${unit}`;
}

/** A command line as one would type it again: words with anything special in them are quoted, as sh(1) has it. */
export function shellWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w%+,./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatWhole(count)} ${count === 1 ? one : many}`;
}

/** Findings about the whole run carry a share of 1, which says nothing about lost time. */
export function sharesLostTime({ culprit, share }: Finding): boolean {
  return (
    share > 0 &&
    !(share === 1 && /^(accept\.|client\.|observer\.|server\.|unexplained$|loop\.saturated$)/.test(culprit))
  );
}

/** From this share of the lost time on a second cause stands beside the first. */
const BESIDE_SHARE = 0.3;

/** The second cause of lost time that is too large to come three screens after the first; null without one. */
export function secondCause({ verdict, contributors }: Diagnosis): Finding | null {
  if (!sharesLostTime(verdict)) return null;
  return contributors.find((other) => sharesLostTime(other) && other.share >= BESIDE_SHARE) ?? null;
}

/** "high confidence, 86 % of the lost time". */
export function certainty(finding: Finding): string {
  const share = sharesLostTime(finding) ? `, ${formatShare(finding.share)} of the lost time` : '';
  return `${finding.confidence} confidence${share}`;
}

/** "nginx 4241", with the thread when it is not the main one. */
export function loopLabel(loop: LoopRecord | undefined): string {
  if (!loop) return 'unknown loop';
  return loop.tid === loop.pid ? `${loop.comm} ${loop.pid}` : `${loop.comm} ${loop.pid}/${loop.tid}`;
}

/** "2,000/s poisson", "closed loop", "3 stages of poisson, 1,500/s on average", "a log at speed 2". */
export function ratePhrase({ plan, replay }: Pick<LoadRecord, 'plan' | 'replay'>): string {
  if (replay) return `a log ${pacePhrase(replay.schedule)}`;
  const { ratePerSec, stages, arrival, arrivalSpec = arrival } = plan;
  if (ratePerSec === null) return 'closed loop';
  const rate = formatRate(ratePerSec);
  return stages
    ? `${plural(stages.length, 'stage')} of ${arrivalSpec}, ${rate} on average`
    : `${rate} ${arrivalSpec}`;
}

/** "at speed 2", "at 5 000/s, which is speed 2.5", "as fast as replies come". */
export function pacePhrase({ pace, speed, ratePerSec }: ReplaySchedule): string {
  if (pace === 'max') return 'as fast as replies come';
  const factor = speed === null ? '' : `speed ${Number(speed.toPrecision(3))}`;
  if (pace === 'speed') return factor === '' ? 'at its own times' : `at ${factor}`;
  return `at ${formatRate(ratePerSec ?? 0)}${factor === '' ? '' : `, which is ${factor}`}`;
}

/** What the load was, in one line. */
export function planPhrase(load: LoadRecord): string {
  const { plan } = load;
  const through = plan.proxy ? ` through ${plan.proxy.url}` : '';
  return `${plan.target}${through}, ${ratePhrase(load)}, ${heldPhrase(load)}, ${durationPhrase(load)}`;
}

/** "50 connections"; "50 connections asked, 10 held" where these were not all of use when sending ended. */
export function heldPhrase({ plan, supply }: LoadRecord): string {
  const asked = plural(plan.connectionCount, 'connection');
  return supply && supply.held < plan.connectionCount
    ? `${asked} asked, ${formatWhole(supply.held)} held`
    : asked;
}

/**
 * "80 % failed (error)"; of several kinds "100 % failed (60 % unsent, 40 % error)". Wrong replies have the most frequent
 * reason beside them: "2 % failed (wrong: status not 200)", which without a check is a status, "wrong: status 503".
 */
export function failedPhrase({ counts, wrongByReason = {}, statusCounts = {} }: FailedLoad): string {
  if (counts.planned === 0) return 'none was due';
  const failed = notOkShare(counts);
  if (failed === 0) return 'all ok';
  const kinds = OUTCOME_KINDS.filter((kind) => kind !== 'ok' && counts[kind] > 0).toSorted(
    (a, b) => counts[b] - counts[a],
  );
  const shares = sharesWithin(
    failed,
    kinds.map((kind) => ratio(counts[kind], counts.planned)),
  );
  const why = whyWrong(wrongReasons({ wrongByReason, statusCounts }));
  const words = kinds.map((kind) => `${kind}${kind === 'wrong' ? why : ''}`);
  // One kind needs no share of its own.
  const what = words.length === 1 ? words[0] : words.map((word, i) => `${shares[i]} ${word}`).join(', ');
  return `${formatShare(failed)} failed${words.length === 0 ? '' : ` (${what})`}`;
}

/** Shares as text. Whole percents that come to another sum than the whole's are told to a tenth. */
function sharesWithin(whole: number, parts: readonly number[]): string[] {
  const texts = parts.map(formatShare);
  const told = texts.map((text) => Number(text.replace(' %', '')));
  const off = Math.abs(sumBy(told, (percent) => percent) - Number(formatShare(whole).replace(' %', '')));
  return off < 1 ? texts : parts.map((part) => `${Number((part * 100).toFixed(1))} %`);
}

type FailedLoad = Pick<LoadRecord, 'counts'> & Partial<Pick<LoadRecord, 'wrongByReason' | 'statusCounts'>>;

function whyWrong(countByReason: Record<string, number>): string {
  const [first, ...others] = Object.entries(countByReason).sort((a, b) => b[1] - a[1]);
  if (first === undefined) return '';
  const more = others.length === 0 ? '' : ` and ${plural(others.length, 'other reason')}`;
  return `: ${printable(first[0], REASON_LENGTH)}${more}`;
}

/** "60.0 s"; "3.20 s of 60.0 s" of a load that was ended before; "1 000 requests asked, 3.20 s" of a counted one. */
export function durationPhrase({ plan, startNs, endNs, stoppedEarly, counts, replay }: LoadRecord): string {
  const whole = formatNs(plan.durationNs);
  const drovenNs = endNs - startNs;
  // How long a log is, is known at its end.
  if (replay) return formatNs(drovenNs);
  if (plan.requestLimit != null) {
    const made = counts.planned < plan.requestLimit ? `${formatWhole(counts.planned)} of ` : '';
    return `${made}${plural(plan.requestLimit, 'request')} asked, ${formatNs(drovenNs)}`;
  }
  return stoppedEarly !== null && drovenNs < plan.durationNs ? `${formatNs(drovenNs)} of ${whole}` : whole;
}

/** What came of the load, in one line. */
export function outcomePhrase(load: LoadRecord, response: LatencyRow | undefined): string {
  const { counts } = load;
  const latency = response?.withheld
    ? `response times withheld (${response.withheld})`
    : `response ${quantilesPhrase(response)}`;
  const { ratePerSec } = load.plan;
  const asked = ratePerSec === null ? '' : ` of ${formatRate(ratePerSec)} asked`;
  return `${plural(counts.planned, 'request')}, ${failedPhrase(load)}, ${formatRate(answeredPerSec(load))} answered${asked}; ${latency}`;
}

/** "p50 204 µs, p99 1.20 ms"; of too few for a median the longest. */
function quantilesPhrase(response: LatencyRow | undefined): string {
  const { p50 = null, p99 = null, max = null } = response?.quantiles ?? {};
  if (p50 === null && max !== null) return `${formatQuantile(max)} at most`;
  return `p50 ${formatQuantile(p50)}, p99 ${formatQuantile(p99)}`;
}

/** The conservation of requests: every planned one is in exactly one of the counts. */
export function conservationPhrase(load: LoadRecord): string {
  const parts = OUTCOME_KINDS.map((kind) => `${formatWhole(load.counts[kind])} ${kind}`).join(' + ');
  const left = unaccountedCount(load.counts);
  const check =
    left === 0 ? '' : `; ${formatWhole(Math.abs(left))} UNACCOUNTED FOR: please report this as a bug`;
  return `${formatWhole(load.counts.planned)} planned = ${parts}${check}`;
}

/** Processes that ended as a matter of course, while the service went on; null when there were none. */
export function departedPhrase(run: Run): string | null {
  const missed = missedExits(run);
  const ordinary = (run.observation?.exits ?? []).filter((exit) => !missed.includes(exit));
  if (ordinary.length === 0) return null;
  const pids = ordinary.slice(0, EXITS_TOLD).map(({ pid }) => pid);
  const more = ordinary.length - pids.length;
  const names = more > 0 ? `${pids.join(', ')} and ${formatWhole(more)} more` : pids.join(', ');
  return `${plural(ordinary.length, 'process of the service', 'processes of the service')} ended meanwhile, and it went on: pid ${names}.`;
}

/** Why the run is not whole, or null. */
export function incompletePhrase(run: Run): string | null {
  const reasons: string[] = [];
  if (!run.complete)
    reasons.push('the run file ends before its closing record: what follows is of the part that was written');
  if (run.load?.stoppedEarly) reasons.push(`the load ended early: ${run.load.stoppedEarly}`);
  const untimely = missedExits(run);
  for (const exit of untimely.slice(0, EXITS_TOLD)) {
    reasons.push(`process ${exit.pid} exited ${formatNs(exit.atNs)} into the run`);
  }
  const more = untimely.length - EXITS_TOLD;
  if (more > 0) reasons.push(`so did ${formatWhole(more)} more`);
  return reasons.length > 0 ? reasons.join('; ') : null;
}

/** What there was no data for, in the two kinds of run that have half of it; null for a whole one. */
export function absentPhrase(run: Run): string | null {
  if (run.observation === null) {
    return 'Nobody watched the server in this run: it says how late answers were, not why. To see why: loopscope doctor TARGET --pid PID';
  }
  if (run.load === null)
    return 'No load was driven: this is the traffic the server met by itself, and its latency was not measured.';
  return null;
}

/** "waiting for a CPU: stress-ng-cpu (pid 991)". */
export function partLabel(part: AccountPart): string {
  return [part.what, part.detail === '' ? '' : `(${part.detail})`].filter((text) => text !== '').join(' ');
}

/** Shares of an account: below a thousandth the digits say nothing. */
export function formatPartShare(share: number): string {
  return share > 0 && share < 0.001 ? '<0.1 %' : formatShare(share);
}

export function stallKindPhrase(stall: Stall): string {
  if (stall.kind === 'work') return `a cycle of work on ${plural(stall.eventCount, 'event')}`;
  const asked =
    stall.requestedTimeoutNs === null || stall.requestedTimeoutNs < 0
      ? 'without a timeout'
      : `of ${formatNs(stall.requestedTimeoutNs)}`;
  return `a wait ${asked} that ended late`;
}

/** "32 long cycles, 15 late wake-ups". */
export function stallKindsPhrase(stalls: readonly Stall[]): string {
  const late = stalls.filter((stall) => stall.kind === 'wait').length;
  const long = stalls.length - late;
  const parts: string[] = [];
  if (long > 0 || late === 0) parts.push(plural(long, 'long cycle'));
  if (late > 0) parts.push(plural(late, 'late wake-up'));
  return parts.join(', ');
}
