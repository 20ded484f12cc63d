/** A replayed log: its account, how true the load was to it, routes and statuses beside the log. */
import type { PageReplay } from '../page-data.ts';
import { el, section } from './dom.ts';
import { dataTable } from './sections.ts';

export function replaySection(replay: PageReplay): HTMLElement {
  return section(
    'replay',
    'Beside the log',
    'What was read, how true the load was to it, and what came back otherwise.',
    el(
      'div',
      { class: 'card' },
      el(
        'dl',
        { class: 'facts' },
        ...replay.facts.map(({ term, text, warn }) =>
          el('div', { class: warn ? 'tone-warn' : '' }, el('dt', {}, term), el('dd', {}, text)),
        ),
      ),
    ),
    replay.routes && dataTable(replay.routes, 'Routes, logged and replayed'),
    replay.statuses && dataTable(replay.statuses, 'Statuses, logged and as they came'),
  );
}
