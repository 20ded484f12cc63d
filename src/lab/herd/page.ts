/** The herd's page. */
import { formatCount, formatNs } from '../../base/units.ts';
import type { BarChart } from '../../report/html/lab/bars.ts';
import { type LabPage, renderLabPage } from '../../report/html/lab/lab-page.ts';
import { VERSION } from '../../version.ts';
import type { Conclusion } from '../conclusion.ts';
import type { HerdResult, StrategyResult } from './result.ts';
import { COLUMNS, legendOf } from './table.ts';

export function herdPage(result: HerdResult, findings: readonly Conclusion[]): string {
  const { plan, machine, strategies, original } = result;
  const page: LabPage = {
    title: 'The thundering herd',
    lead:
      `${plan.workerCount} workers of one HTTP server share a port, and ${formatCount(plan.rushConnections)} connections come, ` +
      `of ${plan.clientCount} clients at once. Every way of accepting them in turn, on ${machine.cpuCount} CPUs ` +
      `(${machine.cpuModel}, Linux ${machine.kernel}).`,
    findings: [...findings],
    sections: [
      {
        title: 'All figures',
        text: legendOf(result).join('. '),
        parts: [
          {
            kind: 'table',
            caption: 'By accept strategy',
            columns: COLUMNS.map(({ title, align }) => ({ title, align: align ?? 'left' })),
            rows: strategies.map((row) => COLUMNS.map(({ cell }) => cell(row))),
          },
        ],
      },
      {
        title: 'The rush, and the incident’s own figures',
        text:
          'In the rush every worker is busy all the time, and a busy worker is not woken: a herd costs most when workers are idle. ' +
          'The incident’s machine had more CPUs, its clients ran elsewhere, and it served a proxy’s work; only the ratio compares.',
        parts: [
          bars('Time for the rush', strategies, (row) => row.rush.wallNs, formatNs),
          {
            kind: 'bars',
            title: 'The incident: 500 client threads, 50 000 requests',
            bars: [
              { label: 'shared', value: original.sharedSec, text: `${original.sharedSec} s`, tone: 2 },
              {
                label: 'reuseport',
                value: original.reuseportSec,
                text: `${original.reuseportSec} s`,
                tone: 3,
              },
            ],
          },
          bars(
            'CPU of the workers for each connection of the rush',
            strategies,
            (row) => row.rush.cpuNsPerConnection,
            formatNs,
          ),
        ],
      },
      {
        title: 'The trickle: what one connection wakes',
        text: '',
        parts: [
          bars(
            'Wake-ups of workers for each connection',
            strategies,
            (row) => row.trickle.wakeUpsPerConnection,
            oneDigit,
          ),
          bars(
            'CPU of the workers for each connection',
            strategies,
            (row) => row.trickle.cpuNsPerConnection,
            formatNs,
          ),
          bars('Balance: busiest worker over the mean', strategies, (row) => row.trickle.balance, oneDigit),
          balanceTable(strategies),
        ],
      },
      {
        title: 'One worker stands still',
        text: `A worker is stopped for ${formatNs(plan.stoppedNs)}; with a lock round accept, the one that holds it.`,
        parts: [
          bars(
            'Connections that waited over 0.25 s',
            strategies,
            (row) => row.stop.stranded,
            (value) => String(value),
          ),
          {
            kind: 'table',
            caption: 'What the doctor said',
            columns: [
              { title: 'accept', align: 'left' },
              { title: 'under the trickle', align: 'left' },
              { title: 'with a worker stopped', align: 'left' },
              { title: 'slowest reply' },
            ],
            rows: strategies.map(({ accept, verdict, stop }) => [
              accept,
              `${verdict.culprit}: ${verdict.headline}`,
              `${stop.verdict.culprit}: ${stop.verdict.headline}`,
              formatNs(stop.slowestNs),
            ]),
          },
        ],
      },
    ],
    footer: `Loopscope ${VERSION}: loopscope lab herd. This file needs no network.`,
  };
  return renderLabPage(page);
}

function bars(
  title: string,
  strategies: readonly StrategyResult[],
  value: (row: StrategyResult) => number,
  format: (value: number) => string,
): BarChart {
  return {
    kind: 'bars',
    title,
    bars: strategies.map((row) => ({
      label: row.accept,
      value: value(row),
      text: format(value(row)),
      tone: row.accept === 'shared' ? 2 : 1,
    })),
  };
}

function balanceTable(strategies: readonly StrategyResult[]) {
  return {
    kind: 'table' as const,
    caption: 'Connections of each worker, most first',
    columns: [
      { title: 'accept', align: 'left' as const },
      { title: 'connections', align: 'left' as const },
    ],
    rows: strategies.map(({ accept, trickle }) => [
      accept,
      trickle.perWorker.toSorted((a, b) => b - a).join(' '),
    ]),
  };
}

function oneDigit(value: number): string {
  return value.toFixed(1);
}
