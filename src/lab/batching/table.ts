/** The figures of the batching experiment as tables, and what they show. */
import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import { FIT } from '../../diagnose/limits.ts';
import type { Paper } from '../../report/text/paper.ts';
import { type Column, writeTable } from '../../report/text/table.ts';
import type { Conclusion } from '../conclusion.ts';
import type { LadderStep } from './ladder.ts';
import { ORIGINAL } from './plan.ts';
import type { BatchingResult, ShapeResult } from './result.ts';

type Row<T> = Column & { cell: (row: T) => string };

export const SHAPE_COLUMNS: readonly Row<ShapeResult>[] = [
  { title: 'arrivals', align: 'left', cell: (row) => row.name },
  { title: 'requests/s', align: 'right', cell: (row) => formatCount(Math.round(row.requests / row.seconds)) },
  { title: 'waits/s', align: 'right', cell: (row) => formatCount(Math.round(row.waitsPerSec)) },
  { title: 'events per wake-up', align: 'right', cell: (row) => row.eventsPerWakeUp.toFixed(2) },
  { title: 'CPU', align: 'right', cell: (row) => formatShare(row.cpuShare) },
  { title: 'CPU per request', align: 'right', cell: (row) => formatNs(row.cpuNsPerRequest) },
  { title: 'dispersion 10 ms', align: 'right', cell: (row) => row.idc10ms.toFixed(1) },
  { title: 'the incident: waits/s', align: 'right', cell: originalWaits },
];

export const LADDER_COLUMNS: readonly Row<LadderStep>[] = [
  { title: 'offered', align: 'right', cell: (row) => `${formatCount(row.ratePerSec)}/s` },
  { title: 'answered', align: 'right', cell: (row) => `${formatCount(Math.round(row.answeredPerSec))}/s` },
  { title: 'late or lost', align: 'right', cell: (row) => formatCount(row.planned - row.ok) },
  { title: 'agent CPU', align: 'right', cell: (row) => formatShare(row.cpuShare) },
  { title: 'CPU per request', align: 'right', cell: (row) => formatNs(row.cpuNsPerRequest) },
  { title: 'requests per wake-up', align: 'right', cell: (row) => row.requestsPerWakeUp.toFixed(1) },
  { title: 'client CPU', align: 'right', cell: (row) => formatShare(row.clientShare) },
  { title: 'the incident: CPU', align: 'right', cell: originalCpu },
];

function originalWaits({ name }: ShapeResult): string {
  const { waitCalls, overSec } = ORIGINAL;
  if (name === 'lock-step' || name === 'equal pauses')
    return String(Math.round(waitCalls.lockStep / overSec));
  if (name === 'jittered') return `over ${waitCalls.jittered / overSec}`;
  return name === 'through nginx' ? String(Math.round(waitCalls.throughNginx / overSec)) : '–';
}

function originalCpu({ ratePerSec }: LadderStep): string {
  const row = ORIGINAL.ladder.find(([rate]) => rate === ratePerSec);
  return row ? formatShare(row[1]) : '–';
}

export function fitSentence({ fit }: BatchingResult): string {
  if (!fit) return 'The windows do not tell the cost of an event from that of a wake-up on this machine now.';
  return (
    `CPU = ${formatNs(fit.eventNs)} × events + ${formatNs(fit.wakeUpNs)} (± ${formatNs(fit.wakeUpErrorNs)}) × wake-ups, ` +
    `R² ${fit.r2.toFixed(3)} over ${fit.pointCount} windows of a quarter of a second` +
    `${fit.r2 < FIT.r2 ? ': a poor fit, the machine was not quiet or slept between wake-ups' : ''}.`
  );
}

export function batchingTable(
  paper: Paper,
  result: BatchingResult,
  conclusions: readonly Conclusion[],
): void {
  const { machine } = result;
  paper.heading(
    'The same requests, together or one by one',
    `agent on one of ${machine.cpuCount} CPUs, ${result.connectionCount} Unix connections, Linux ${machine.kernel}`,
  );
  writeTable(
    paper,
    [...SHAPE_COLUMNS],
    result.shapes.map((row) => SHAPE_COLUMNS.map(({ cell }) => cell(row))),
  );
  for (const { name, why } of result.notRun)
    paper.sentence(`${name}: not run, ${why}`, { first: '  ', rest: '  ' });
  paper.line();
  paper.sentence(fitSentence(result), { first: '  ', rest: '  ' });
  if (result.ladder.length > 0) {
    paper.heading('By rate', 'agent on a CPU of its own, io_uring, Poisson arrivals, replies within 50 ms');
    writeTable(
      paper,
      [...LADDER_COLUMNS],
      result.ladder.map((row) => LADDER_COLUMNS.map(({ cell }) => cell(row))),
    );
  }
  paper.line();
  for (const { text, holds } of conclusions) paper.bullet(text, holds === false ? ['red'] : []);
}

const TIMES_FEWER = 10;
const HIDDEN_SHARE = 1 / 3;

export function batchingConclusions(result: BatchingResult): Conclusion[] {
  const find = (name: string) => result.shapes.find((row) => row.name === name);
  const lockStep = find('lock-step');
  const jittered = find('jittered');
  const found: Conclusion[] = [];
  if (lockStep && jittered) {
    const times = jittered.waitsPerSec / Math.max(1e-9, lockStep.waitsPerSec);
    const { waitCalls } = ORIGINAL;
    const then = Math.round(waitCalls.throughNginx / waitCalls.lockStep);
    found.push({
      text: `In lock-step the agent woke ${times.toFixed(0)} times less often than jittered (the incident: ${then} times, against nginx).`,
      holds: times >= TIMES_FEWER,
    });
  }
  const { measured, byFit } = result.hidden;
  if (measured !== null) {
    const fitted = byFit === null ? '' : `, ${formatShare(Math.max(0, byFit))} by the fit`;
    found.push({
      text: `That hides ${formatShare(Math.max(0, measured))} of the CPU that the same requests cost when jittered${fitted} (the incident: 2 % seen, 5 % real).`,
      holds: Math.max(measured, byFit ?? 0) >= HIDDEN_SHARE,
    });
  }
  for (const { name, verdict } of result.shapes) {
    if (!verdict) continue;
    const named = verdict.culprit === 'client.synchronised';
    const right = name === 'jittered' ? (named ? false : null) : named;
    found.push({ text: `The doctor on ${name}: ${verdict.culprit}, ${verdict.headline}.`, holds: right });
  }
  for (const { name, why } of result.notRun)
    found.push({ text: `${name} was not run: ${why}.`, holds: null });
  if (result.ladder.length > 0) found.push(limitConclusion(result));
  return found;
}

function limitConclusion({ ladder, limitPerSec }: BatchingResult): Conclusion {
  const best = ladder.find(({ ratePerSec }) => ratePerSec === limitPerSec);
  const last = ORIGINAL.ladder.at(-1)!;
  if (!best) return { text: 'No rate of the ladder was held.', holds: null };
  const top = best === ladder.at(-1) ? ', the highest tried' : '';
  return {
    text:
      `One core held ${formatCount(best.ratePerSec)} requests a second${top}, none late or lost, at ${formatShare(best.cpuShare)} ` +
      `of it (the incident: ${formatCount(last[0])}/s at ${formatShare(last[1])} of a 2.5 GHz core).`,
    holds: null,
  };
}
