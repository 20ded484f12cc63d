/** Reads the run and puts the page together. */
import type { PageData } from '../page-data.ts';
import { environmentSection, limitsSection, loadSection, selfSection } from './about.ts';
import { append, type Child, el, section } from './dom.ts';
import { heatMapCard } from './heat-map.ts';
import { limitCard } from './limit.ts';
import { replaySection } from './replay.ts';
import { dataTable, pageHeader, suspectsSection, verdictCard } from './sections.ts';
import { spectrumChart } from './spectrum.ts';
import { type StallView, stallSection } from './stalls.ts';
import { timelineCharts } from './timeline.ts';

const data = JSON.parse(document.getElementById('run')!.textContent ?? 'null') as PageData;
document.title = `${data.verdict.culprit}: ${data.title} – Loopscope`;

let stallView: StallView | null = null;
const timeline = timelineCharts(data.timeline, data.stalls, (mark) => stallView?.showMark(mark));
if (data.stalls) stallView = stallSection(data.stalls, data.ranInstead, timeline.highlight);
const spectrum = data.spectrum ? spectrumChart(data.spectrum) : null;
const heatMap = data.heatMap ? heatMapCard(data.heatMap) : null;

const limit = data.limit ? limitCard(data.limit) : null;

const sections: Child[] = [
  verdictCard(data),
  data.limit &&
    section(
      'limit',
      data.limit.found ? `The limit: ${data.limit.answer}` : 'No limit was found',
      `${data.limit.why}. The rest of this page is the run that decided.`,
      ...(limit?.elements ?? []),
    ),
  section('timeline', 'Over time', '', timeline.element),
  stallView?.element,
  data.replay && replaySection(data.replay),
  data.latency &&
    section(
      'latency',
      'Latency',
      'Three times of every request.',
      dataTable(data.latency, 'Latency percentiles'),
      spectrum?.element,
      data.stages && dataTable(data.stages, 'Stages'),
      data.kinds && dataTable(data.kinds, 'Kinds of request'),
    ),
  data.loops &&
    section(
      'loops',
      'Loops',
      'Each thread that waits for events and works on them.',
      dataTable(data.loops, 'Loops'),
    ),
  heatMap &&
    section('heat-map', 'Every cycle', 'How long the work of each cycle took, over time.', heatMap.element),
  suspectsSection(data),
  data.latency && loadSection(data),
  selfSection(data),
  limitsSection(data),
  environmentSection(data),
];
append(document.getElementById('page')!, [
  pageHeader(data),
  el('main', {}, ...sections),
  el('footer', {}, `Loopscope ${data.version} · ${data.startedAt} · this file needs no network`),
]);
limit?.start();
timeline.start();
spectrum?.start();
heatMap?.start();
