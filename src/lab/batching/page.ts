/** The page of the batching experiment. */
import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import { type LabPage, type LabPart, renderLabPage } from '../../report/html/lab/lab-page.ts';
import type { LineChart } from '../../report/html/lab/lines.ts';
import { VERSION } from '../../version.ts';
import type { Conclusion } from '../conclusion.ts';
import { ORIGINAL } from './plan.ts';
import type { BatchingResult, ShapeResult } from './result.ts';
import { fitSentence, LADDER_COLUMNS, SHAPE_COLUMNS } from './table.ts';

export function batchingPage(result: BatchingResult, findings: readonly Conclusion[]): string {
  const { machine, shapes, ladder } = result;
  const page: LabPage = {
    title: 'The same requests, together or one by one',
    lead:
      `An agent on a Unix socket answers ${formatCount(result.ratePerSec)} framed requests a second over ` +
      `${result.connectionCount} connections: in lock-step, after equal pauses, jittered by up to 1 ms, as a Poisson process, and through nginx. ` +
      `One of ${machine.cpuCount} CPUs (${machine.cpuModel}, Linux ${machine.kernel}).`,
    findings: [...findings],
    sections: [
      {
        title: 'What the agent did',
        text: 'Counted by the agent itself; CPU by the scheduler. The loop wakes 20 times a second besides, to see signals.',
        parts: [
          {
            kind: 'table',
            caption: 'By shape of arrivals',
            columns: SHAPE_COLUMNS.map(({ title, align }) => ({ title, align: align ?? 'left' })),
            rows: shapes.map((row) => SHAPE_COLUMNS.map(({ cell }) => cell(row))),
          },
          ...shapeBars(shapes),
          originalTable(),
        ],
      },
      {
        title: 'What a wake-up costs',
        text: fitSentence(result),
        parts: result.fit ? [windowsChart(shapes)] : [],
      },
      ...(ladder.length > 0
        ? [
            {
              title: 'By rate, up to the limit',
              text: 'The agent has a CPU of its own (io_uring), the client another; Poisson arrivals; a reply after 50 ms is late.',
              parts: [
                {
                  kind: 'table' as const,
                  caption: 'Rates',
                  columns: LADDER_COLUMNS.map(({ title, align }) => ({ title, align: align ?? 'left' })),
                  rows: ladder.map((row) => LADDER_COLUMNS.map(({ cell }) => cell(row))),
                },
                ladderChart(result),
              ],
            },
          ]
        : []),
    ],
    footer: `Loopscope ${VERSION}: loopscope lab batching. This file needs no network.`,
  };
  return renderLabPage(page);
}

function shapeBars(shapes: readonly ShapeResult[]): LabPart[] {
  const bars = (
    title: string,
    value: (row: ShapeResult) => number,
    format: (value: number) => string,
  ): LabPart => ({
    kind: 'bars',
    title,
    bars: shapes.map((row) => ({
      label: row.name,
      value: value(row),
      text: format(value(row)),
      tone: row.name === 'lock-step' || row.name === 'equal pauses' ? 2 : 1,
    })),
  });
  return [
    bars(
      'Wake-ups a second',
      (row) => row.waitsPerSec,
      (value) => formatCount(Math.round(value)),
    ),
    bars(
      'Events per wake-up',
      (row) => row.eventsPerWakeUp,
      (value) => value.toFixed(2),
    ),
    bars('CPU for each request', (row) => row.cpuNsPerRequest, formatNs),
  ];
}

function originalTable(): LabPart {
  const { waitCalls, receives, overSec, cpuShare } = ORIGINAL;
  return {
    kind: 'table',
    caption: `The incident: strace over ${overSec} s at 2000 requests a second`,
    columns: [{ title: '', align: 'left' }, { title: 'private load tool' }, { title: 'nginx' }],
    rows: [
      ['epoll_wait', formatCount(waitCalls.lockStep), formatCount(waitCalls.throughNginx)],
      ['recvfrom', formatCount(receives.lockStep), formatCount(receives.throughNginx)],
      ['CPU of a core', formatShare(cpuShare.lockStep), formatShare(cpuShare.production)],
    ],
  };
}

function windowsChart(shapes: readonly ShapeResult[]): LineChart {
  const tones = [2, 3, 1, 4] as const;
  return {
    kind: 'lines',
    title: 'CPU of each window by its wake-ups',
    x: { label: 'wake-ups in a quarter of a second', format: (value) => value.toFixed(0) },
    y: { label: 'CPU', format: formatNs },
    series: shapes.map(({ name, windows }, index) => ({
      label: name,
      tone: tones[index % tones.length]!,
      points: true,
      values: windows.map(({ wakeUps, cpuNs }) => [wakeUps, cpuNs]),
    })),
  };
}

function ladderChart({ ladder }: BatchingResult): LineChart {
  return {
    kind: 'lines',
    title: 'CPU of the agent’s core by rate',
    x: { label: 'requests a second', format: (value) => formatCount(value) },
    y: { label: 'CPU', format: formatShare },
    series: [
      { label: 'here', tone: 1, values: ladder.map(({ ratePerSec, cpuShare }) => [ratePerSec, cpuShare]) },
      { label: 'the incident, 2.5 GHz', tone: 2, values: [...ORIGINAL.ladder] },
    ],
  };
}
