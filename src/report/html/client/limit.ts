/** The search for the highest rate that holds: each run a dot over its rate, the goal a line across. */
import type { PageLimit } from '../page-data.ts';
import { countAxis, durationAxis, legend, line, logRange, options, responsive } from './chart-base.ts';
import { el } from './dom.ts';
import { dataTable } from './sections.ts';

const LIMIT_HEIGHT = 260;

export function limitCard(limit: PageLimit): { elements: HTMLElement[]; start: () => void } {
  const table = dataTable(limit.table, 'Runs of the search');
  const { chart } = limit;
  if (chart === null) return { elements: [table], start: () => {} };
  const host = el('div', {
    class: 'chart',
    role: 'img',
    'aria-label': `${chart.goal} over the rate of each run`,
  });
  const card = el(
    'div',
    { class: 'card' },
    el(
      'div',
      { class: 'chart-head' },
      el('h3', {}, chart.goal),
      legend([
        ['held', 'line-p50'],
        ['did not', 'line-max'],
        ['the limit', 'line-budget'],
      ]),
    ),
    host,
  );
  const split = (held: boolean) => chart.sec.map((sec, i) => (chart.held[i] === held ? sec : null));
  const dots = (name: string) => {
    const look = line(name, name === 'held' ? 'line-p50' : 'line-max', 0);
    return { ...look, points: { show: true, size: 9, width: 0, fill: look.stroke as string } };
  };
  const top = Math.max(...chart.ratePerSec) * 1.05;
  const make = (width: number, height: number) =>
    new uPlot(
      options(width, height, {
        scales: {
          x: { time: false, range: [0, top] },
          y: { distr: 3, range: () => logRange([...chart.sec, chart.limitSec]) },
        },
        axes: [{ ...countAxis(), size: 30 }, durationAxis()],
        series: [{}, line('limit', 'line-budget', 1.5, { dash: [4, 4] }), dots('held'), dots('did not')],
      }),
      [chart.ratePerSec, chart.sec.map(() => chart.limitSec), split(true), split(false)] as uPlot.AlignedData,
      host,
    );
  return { elements: [card, table], start: () => void responsive(host, LIMIT_HEIGHT, make) };
}
