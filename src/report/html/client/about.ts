/** The parts of the page about the measurement itself: its self-judgement, the load, its limits, the machine. */
import type { PageCheck, PageData } from '../page-data.ts';
import { el, section } from './dom.ts';
import { bulletList, dataTable } from './sections.ts';

export function selfSection(data: PageData): HTMLElement | null {
  if (data.checks.length === 0) return null;
  const leads = {
    PASS: 'Every check of the tool on itself passed.',
    WARN: 'Usable, with the warnings below in mind.',
    VOID: 'Not to be relied on: what a failed check spoils is withheld.',
    SKIP: 'No check could be made.',
  };
  const order: PageCheck['verdict'][] = ['VOID', 'WARN', 'PASS', 'SKIP'];
  const checks = [...data.checks].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  const head = ['check', 'what was found', 'value', 'limit'];
  return section(
    'self',
    'Can this run be trusted?',
    leads[data.selfVerdict],
    el(
      'div',
      { class: 'card table-card' },
      el(
        'table',
        { class: 'checks' },
        el('caption', { class: 'hidden' }, 'Self-judgement'),
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            ...head.map((title, i) => el('th', { scope: 'col', class: i > 1 ? 'number' : '' }, title)),
          ),
        ),
        el(
          'tbody',
          {},
          ...checks.map((check) =>
            el(
              'tr',
              {},
              el(
                'th',
                { scope: 'row' },
                el('span', { class: `pill ${check.verdict.toLowerCase()}` }, check.verdict),
                check.name,
              ),
              el('td', { class: 'words' }, check.text),
              el('td', { class: 'number', 'data-title': 'value' }, check.value),
              el('td', { class: 'number', 'data-title': 'limit' }, check.limit),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Every planned request, by how it ended, and what else is known of the load. */
export function loadSection(data: PageData): HTMLElement | null {
  if (data.load.length === 0) return null;
  const bar = el('span', { class: 'stacked tall', 'aria-hidden': 'true' });
  for (const outcome of data.outcomes) {
    if (outcome.count === 0) continue;
    const piece = el('span', {
      class: `piece outcome-${outcome.kind}`,
      title: `${outcome.kind}: ${outcome.text}`,
    });
    piece.style.flexGrow = String(outcome.count);
    bar.append(piece);
  }
  return section(
    'load',
    'What was sent, and what became of it',
    'Every planned request is in exactly one of these.',
    el(
      'div',
      { class: 'card' },
      bar,
      el(
        'ul',
        { class: 'legend outcomes' },
        ...data.outcomes.map((outcome) =>
          el(
            'li',
            { class: outcome.count === 0 ? 'none' : '' },
            el('span', { class: `dot outcome-${outcome.kind}` }),
            `${outcome.text} ${outcome.kind}`,
          ),
        ),
      ),
      definitions(data.load),
    ),
    data.arrivals && dataTable(data.arrivals, 'Arrivals as asked and as they came'),
  );
}

function definitions(rows: { term: string; text: string }[]): HTMLElement {
  return el(
    'dl',
    { class: 'facts' },
    ...rows.map(({ term, text }) => el('div', {}, el('dt', {}, term), el('dd', {}, text))),
  );
}

export function limitsSection(data: PageData): HTMLElement | null {
  if (data.unseen.length === 0 && data.cost.length === 0) return null;
  return section(
    'limits',
    'Limits of this report',
    '',
    el(
      'div',
      { class: data.unseen.length > 0 && data.cost.length > 0 ? 'columns even' : 'columns one' },
      data.unseen.length > 0 &&
        el('div', { class: 'card' }, el('h3', {}, 'What could not be seen'), bulletList(data.unseen)),
      data.cost.length > 0 &&
        el('div', { class: 'card' }, el('h3', {}, 'What watching cost'), bulletList(data.cost)),
    ),
  );
}

export function environmentSection(data: PageData): HTMLElement {
  return section(
    'environment',
    'Where and how',
    '',
    el(
      'div',
      { class: 'card' },
      definitions(data.environment),
      el('h3', {}, 'Command'),
      el('pre', { class: 'command', tabindex: 0 }, data.command),
    ),
  );
}
