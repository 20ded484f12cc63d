/** The account of stalls: all together, the longest in a list, and one in full. */
import type { PageAccount, PageBar, PageStall, PageStalls } from '../page-data.ts';
import { el, replaceChildren, section, widthPercent } from './dom.ts';
import { icicleCard, STALL_ICICLE } from './icicle.ts';

const ROWS_AT_FIRST = 12;

export type StallView = {
  element: HTMLElement;
  /** Shows the stall of a mark of the timeline. */
  showMark: (mark: number) => void;
};

/** `onSelect` is told the mark of whatever is shown, so that the timeline can point at it. */
export function stallSection(
  stalls: PageStalls,
  ranInstead: PageBar[],
  onSelect: (mark: number) => void,
): StallView {
  if (stalls.list.length === 0) {
    const calm = el(
      'div',
      { class: 'card' },
      el('p', { class: 'absent' }, 'No cycle and no wake-up was over budget.'),
    );
    return { element: section('stalls', 'Where stalled time went', '', calm), showMark: () => {} };
  }
  const detail = el('div', { class: 'card stall-detail', tabindex: -1, 'aria-live': 'polite' });
  const longestNs = stalls.list[0]!.account.wallNs;
  const rows = stalls.list.map((stall) => {
    const row = el(
      'button',
      { type: 'button', class: 'stall-row', 'aria-pressed': 'false' },
      el('span', { class: 'stall-wall' }, stall.wall),
      el('span', { class: 'stall-where' }, `${stall.at} · ${stall.loop}`),
      stackedBar(stall.account, stall.account.wallNs / longestNs),
    );
    row.addEventListener('click', () => show(stall));
    return row;
  });
  const show = (stall: PageStall) => {
    rows.forEach((row, i) => {
      row.setAttribute('aria-pressed', String(stalls.list[i] === stall));
    });
    replaceChildren(detail, ...stallDetail(stall, stalls.strings));
    onSelect(stall.mark);
  };
  const list = el('div', { class: 'stall-list' }, ...rows.slice(0, ROWS_AT_FIRST));
  if (rows.length > ROWS_AT_FIRST) {
    const more = el('button', { type: 'button', class: 'more' }, `Show all ${rows.length}`);
    more.addEventListener('click', () => {
      list.append(...rows.slice(ROWS_AT_FIRST));
      more.remove();
      rows[ROWS_AT_FIRST]!.focus();
    });
    list.append(more);
  }
  const element = section(
    'stalls',
    'Where stalled time went',
    stalls.title,
    el(
      'div',
      { class: ranInstead.length > 0 ? 'columns wide-left' : 'columns one' },
      accountCard(stalls),
      ranInstead.length > 0 &&
        barCard('Who ran instead', 'while a stalled loop was ready to run', ranInstead),
    ),
    el(
      'div',
      { class: 'columns narrow-left' },
      el(
        'div',
        { class: 'card' },
        el('h3', {}, 'Longest stalls'),
        list,
        stalls.listNote !== '' && el('p', { class: 'note' }, stalls.listNote),
      ),
      detail,
    ),
    stalls.icicle && icicleCard(stalls.icicle, STALL_ICICLE),
  );
  const showMark = (mark: number) => {
    const stall = stalls.list.find((candidate) => candidate.mark === mark);
    if (!stall) {
      replaceChildren(
        detail,
        el('h3', {}, 'This stall'),
        el('p', { class: 'absent' }, 'It is not among the longest: its account is in the run file only.'),
      );
      rows.forEach((row) => {
        row.setAttribute('aria-pressed', 'false');
      });
      onSelect(mark);
    } else show(stall);
    detail.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  };
  queueMicrotask(() => show(stalls.list[0]!));
  return { element, showMark };
}

function accountCard(stalls: PageStalls): HTMLElement {
  return el(
    'div',
    { class: 'card' },
    el('h3', {}, 'All stalls together'),
    stackedBar(stalls.total, 1, 'tall'),
    accountTable(stalls.total, 'The account of all stalls'),
    ...stalls.notes.map((note) => el('p', { class: 'note' }, note)),
  );
}

/** One bar of coloured parts, `scale` of the full width long. Its numbers stand in the table beside it. */
function stackedBar(account: PageAccount, scale: number, more = ''): HTMLElement {
  const bar = el('span', { class: `stacked ${more}`, 'aria-hidden': 'true' });
  widthPercent(bar, scale);
  for (const part of account.parts) {
    const piece = el('span', {
      class: `piece part-${part.group}`,
      title: `${part.title} ${part.text}: ${part.time}`,
    });
    piece.style.flexGrow = String(part.ns);
    bar.append(piece);
  }
  return bar;
}

function accountTable(account: PageAccount, caption: string): HTMLElement {
  const body = el('tbody');
  for (const part of account.parts) {
    body.append(
      el(
        'tr',
        {},
        el('th', { scope: 'row' }, el('span', { class: `dot part-${part.group}` }), part.title),
        el('td', { class: 'breakable' }, part.text),
        el('td', { class: 'number' }, part.time),
        el('td', { class: 'number' }, part.shareText),
      ),
    );
  }
  body.append(
    el(
      'tr',
      { class: 'total' },
      el('th', { scope: 'row' }, 'in all'),
      el('td', { class: 'breakable' }),
      el('td', { class: 'number' }, account.wall),
      el('td', { class: 'number' }, '100 %'),
    ),
  );
  return el('table', { class: 'account' }, el('caption', { class: 'hidden' }, caption), body);
}

function stallDetail(stall: PageStall, strings: string[]): HTMLElement[] {
  return [
    el('h3', {}, stall.title),
    el('p', { class: 'stall-facts' }, [stall.loop, ...stall.facts].join(' · ')),
    stackedBar(stall.account, 1, 'tall'),
    accountTable(stall.account, `The account of the stall of ${stall.title}`),
    ...(stall.stacks.length === 0
      ? [el('p', { class: 'note' }, 'No stack was taken in this stall.')]
      : stall.stacks.map((stack, i) =>
          el(
            'details',
            { class: 'stack', open: i === 0 },
            el('summary', {}, stack.title),
            el('ol', {}, ...stack.frames.map((frame) => el('li', {}, strings[frame] ?? '?'))),
          ),
        )),
  ];
}

/** Names with bars. */
export function barCard(title: string, lead: string, bars: PageBar[]): HTMLElement {
  return el(
    'div',
    { class: 'card' },
    el('h3', {}, title),
    el('p', { class: 'note first' }, lead),
    el(
      'ul',
      { class: 'bars' },
      ...bars.map((bar) => {
        const fill = el('span', { class: 'bar-fill' });
        widthPercent(fill, bar.share);
        return el(
          'li',
          {},
          el(
            'div',
            { class: 'bar-line' },
            el(
              'span',
              { class: 'bar-name' },
              bar.name,
              bar.tag !== '' && el('span', { class: 'tag' }, bar.tag),
            ),
            el('span', { class: 'bar-value' }, bar.value),
          ),
          el('div', { class: 'bar-track', 'aria-hidden': 'true' }, fill),
          bar.detail !== '' && el('p', { class: 'bar-detail', title: bar.detail }, bar.detail),
        );
      }),
    ),
  );
}
