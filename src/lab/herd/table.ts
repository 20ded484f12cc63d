/** The herd's figures as a table, and what they show. */
import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import type { Paper } from '../../report/text/paper.ts';
import { type Column, writeTable } from '../../report/text/table.ts';
import type { Conclusion } from '../conclusion.ts';
import type { HerdResult, StrategyResult } from './result.ts';

/** Strategies under which the kernel or a lock sees to it that one worker is woken for a connection. */
const TAME = ['exclusive', 'reuseport', 'multishot', 'mutex', 'mutex-multi'];

export const COLUMNS: readonly (Column & { cell: (row: StrategyResult) => string })[] = [
  { title: 'accept', align: 'left', cell: (row) => row.accept },
  { title: 'rush', align: 'right', cell: (row) => formatNs(row.rush.wallNs) },
  { title: 'CPU each', align: 'right', cell: (row) => formatNs(row.rush.cpuNsPerConnection) },
  { title: 'trickle CPU each', align: 'right', cell: (row) => formatNs(row.trickle.cpuNsPerConnection) },
  { title: 'wake-ups', align: 'right', cell: (row) => row.trickle.wakeUpsPerConnection.toFixed(1) },
  { title: 'in vain', align: 'right', cell: (row) => shareOrNone(row.trickle.vainShare) },
  { title: 'EAGAIN', align: 'right', cell: (row) => shareOrNone(row.trickle.failedAcceptShare) },
  { title: 'balance', align: 'right', cell: (row) => row.trickle.balance.toFixed(1) },
  { title: 'stranded', align: 'right', cell: (row) => `${row.stop.stranded}/${row.stop.sent}` },
  { title: 'the doctor', align: 'left', cell: (row) => row.verdict.culprit },
];

export function shareOrNone(share: number | null): string {
  return share === null ? '–' : formatShare(share);
}

/** What each column means, below the table. */
export function legendOf({ plan }: HerdResult): string[] {
  return [
    `rush: ${formatCount(plan.rushConnections)} connections of ${plan.clientCount} clients at once, one request each; CPU of the workers for each`,
    `trickle: ${formatCount(plan.trickleRatePerSec)} connections a second, so that workers are idle when one comes; wake-ups of workers for each, ` +
      'those that came to nothing, and first accepts that found nobody',
    'balance: the busiest worker’s connections over the mean; 1 is even',
    `stranded: new connections that waited over 0.25 s for their reply while one worker was stopped for ${formatNs(plan.stoppedNs)}, of those made`,
  ];
}

export function herdTable(paper: Paper, result: HerdResult, conclusions: readonly Conclusion[]): void {
  const { plan, machine, strategies, original } = result;
  paper.heading(
    'The thundering herd',
    `${plan.workerCount} workers, ${plan.clientCount} clients, ${machine.cpuCount} CPUs, Linux ${machine.kernel}`,
  );
  writeTable(
    paper,
    [...COLUMNS],
    strategies.map((row) => COLUMNS.map(({ cell }) => cell(row))),
  );
  paper.line();
  for (const line of legendOf(result)) paper.sentence(line, { first: '  ', rest: '  ', ink: ['dim'] });
  paper.line();
  paper.sentence(
    `The incident: ${original.sharedSec} s with a shared listener, ${original.reuseportSec} s with SO_REUSEPORT ` +
      `(${(original.sharedSec / original.reuseportSec).toFixed(2)} times), 24 workers and more than two CPUs.`,
  );
  for (const { text, holds } of conclusions) {
    paper.bullet(text, holds === false ? ['red'] : []);
  }
}

/** Direction and rough size of the incident's figures, and the doctor's answers. */
export function herdConclusions({ strategies, original, machine }: HerdResult): Conclusion[] {
  const find = (accept: string) => strategies.find((row) => row.accept === accept);
  const shared = find('shared');
  const found: Conclusion[] = [];
  for (const other of [find('exclusive'), find('reuseport')]) {
    if (shared && other) found.push(dearer(shared, other, original));
  }
  if (shared) found.push(...herdOf(shared, machine.cpuCount));
  found.push(...doctorOn(strategies));
  for (const row of strategies) {
    const { stranded, sent, slowestNs, chosen } = row.stop;
    if (stranded === 0) continue;
    found.push({
      text:
        `${row.accept}: with the worker stopped that ${chosen}, ${stranded} of ${sent} connections waited, ` +
        `${formatNs(slowestNs)} at the longest; the doctor said ${row.stop.verdict.culprit}.`,
      holds: null,
    });
  }
  return found;
}

function dearer(shared: StrategyResult, other: StrategyResult, original: HerdResult['original']): Conclusion {
  const wall = shared.rush.wallNs / other.rush.wallNs;
  const cpu = shared.trickle.cpuNsPerConnection / other.trickle.cpuNsPerConnection;
  const rushCpu = shared.rush.cpuNsPerConnection / other.rush.cpuNsPerConnection;
  const incident = (original.sharedSec / original.reuseportSec).toFixed(2);
  return {
    text:
      `A shared listener took ${wall.toFixed(2)} times the time of ${other.accept} for the rush (the incident: ${incident}), ` +
      `${rushCpu.toFixed(2)} times its CPU, and ${cpu.toFixed(2)} times its CPU for the trickle.`,
    holds: wall > 1 || cpu > 1,
  };
}

function herdOf({ trickle }: StrategyResult, cpuCount: number): Conclusion[] {
  const failed = trickle.failedAcceptShare ?? 0;
  return [
    {
      text:
        `With a shared listener each connection caused ${trickle.wakeUpsPerConnection.toFixed(1)} wake-ups, of which ` +
        `${shareOrNone(trickle.vainShare)} came to nothing.`,
      holds: (trickle.vainShare ?? 0) >= 0.5,
    },
    {
      text:
        `${formatShare(failed)} of its first accepts failed with EAGAIN: before it lets a worker out of epoll_wait the kernel ` +
        `looks again, and with ${cpuCount} CPUs at most ${cpuCount} workers can be past that look at once.`,
      holds: null,
    },
  ];
}

function doctorOn(strategies: readonly StrategyResult[]): Conclusion[] {
  return strategies.flatMap(({ accept, verdict }): Conclusion[] => {
    const said = `The doctor on ${accept}: ${verdict.culprit}, ${verdict.headline}.`;
    if (accept === 'shared') return [{ text: said, holds: verdict.culprit === 'accept.thundering-herd' }];
    const wrong = TAME.includes(accept) && verdict.culprit === 'accept.thundering-herd';
    return wrong ? [{ text: said, holds: false }] : [];
  });
}
