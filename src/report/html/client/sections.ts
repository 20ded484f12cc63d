/** The parts of the page that are text and tables. */
import type { PageCheck, PageData, PageFinding, PageTable } from '../page-data.ts';
import { el, section, widthPercent } from './dom.ts';
import { themeButton } from './theme.ts';

export function pageHeader(data: PageData): HTMLElement {
  return el(
    'header',
    { class: 'top' },
    el('p', { class: 'brand' }, el('span', { class: 'mark', 'aria-hidden': 'true' }), 'Loopscope'),
    el('p', { class: 'subject' }, el('strong', {}, data.title), el('span', {}, data.subtitle)),
    themeButton(),
  );
}

export function verdictCard(data: PageData): HTMLElement {
  const { verdict } = data;
  const card = el(
    'section',
    { id: 'verdict', class: `card verdict tone-${verdict.tone}`, 'aria-labelledby': 'headline' },
    ...data.notices.map((notice) =>
      el('p', { class: `notice tone-${notice.tone}`, role: 'note' }, notice.text),
    ),
    el('p', { class: 'culprit' }, el('span', { class: 'visually-hidden' }, 'Culprit: '), verdict.culprit),
    el('h1', { id: 'headline' }, verdict.headline),
    certainty(verdict),
  );
  const lists = el('div', { class: 'columns even' });
  if (verdict.evidence.length > 0) {
    lists.append(el('div', {}, el('h2', { class: 'small' }, 'Evidence'), bulletList(verdict.evidence)));
  }
  if (verdict.advice.length > 0) {
    lists.append(el('div', {}, el('h2', { class: 'small' }, 'What to do'), bulletList(verdict.advice)));
  }
  if (lists.childElementCount > 0) card.append(lists);
  if (data.figures.length > 0) card.append(figures(data));
  return card;
}

function certainty(finding: PageFinding): HTMLElement {
  const level = { low: 1, medium: 2, high: 3 }[finding.confidence];
  const meter = el('span', { class: 'meter', 'aria-hidden': 'true' });
  for (let i = 1; i <= 3; i++) meter.append(el('span', { class: i <= level ? 'on' : '' }));
  const line = el(
    'p',
    { class: 'certainty' },
    el('span', { class: 'pair' }, meter, `${finding.confidence} confidence`),
  );
  if (finding.share > 0) {
    const fill = el('span');
    widthPercent(fill, finding.share);
    line.append(
      el(
        'span',
        { class: 'pair' },
        el('span', { class: 'share', 'aria-hidden': 'true' }, fill),
        `${finding.shareText} of the lost time`,
      ),
    );
  }
  return line;
}

function bulletList(items: string[]): HTMLElement {
  return el('ul', { class: 'bullets' }, ...items.map((item) => el('li', {}, item)));
}

function figures(data: PageData): HTMLElement {
  return el(
    'dl',
    { class: 'figures' },
    ...data.figures.map((figure) =>
      el(
        'div',
        {},
        el('dt', {}, figure.label),
        el('dd', { class: 'figure' }, figure.value),
        figure.note !== '' && el('dd', { class: 'figure-note' }, figure.note),
      ),
    ),
  );
}

/** Other findings, and who was found innocent. */
export function suspectsSection(data: PageData): HTMLElement | null {
  if (data.contributors.length === 0 && data.cleared.length === 0) return null;
  const contributors =
    data.contributors.length > 0 &&
    el(
      'div',
      { class: 'card' },
      el('h3', {}, 'Contributors'),
      el(
        'ul',
        { class: 'findings' },
        ...data.contributors.map((finding) =>
          el(
            'li',
            { class: `tone-${finding.tone}` },
            el('p', { class: 'culprit' }, finding.culprit),
            el('p', { class: 'finding-headline' }, finding.headline),
            certainty(finding),
            finding.evidence.length > 0 && bulletList(finding.evidence),
          ),
        ),
      ),
    );
  const cleared =
    data.cleared.length > 0 &&
    el(
      'div',
      { class: 'card' },
      el('h3', {}, 'Looked at and cleared'),
      el(
        'dl',
        { class: 'cleared' },
        ...data.cleared.map(({ culprit, why }) => el('div', {}, el('dt', {}, culprit), el('dd', {}, why))),
      ),
    );
  return section(
    'suspects',
    'Other suspects',
    '',
    el('div', { class: contributors && cleared ? 'columns even' : 'columns one' }, contributors, cleared),
  );
}

/** A table that scrolls by itself when the screen is narrow. */
export function dataTable(table: PageTable, caption: string): HTMLElement {
  const cell = (text: string, i: number) =>
    i === 0
      ? el('th', { scope: 'row' }, text)
      : el('td', { class: table.columns[i]?.numeric ? 'number' : 'words' }, text);
  return el(
    'div',
    { class: 'table-card card' },
    el(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
      el(
        'table',
        {},
        el('caption', { class: 'hidden' }, caption),
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            ...table.columns.map((column) =>
              el(
                'th',
                { scope: 'col', class: column.numeric ? 'number' : '', title: column.hint || null },
                column.title,
              ),
            ),
          ),
        ),
        el('tbody', {}, ...table.rows.map((row) => el('tr', {}, ...row.map(cell)))),
      ),
    ),
    ...table.notes.map((note) => el('p', { class: 'note' }, note)),
  );
}

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
