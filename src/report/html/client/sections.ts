/** The parts of the page that are text and tables: the verdict, the suspects, and any table. */
import type { PageData, PageFinding, PageTable } from '../page-data.ts';
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

export function bulletList(items: string[]): HTMLElement {
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
