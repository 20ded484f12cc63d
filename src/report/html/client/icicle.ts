/** The icicle: all time of stalls, loops at the top, the innermost functions below. Works from the keyboard alone. */
import type { PageIcicle } from '../page-data.ts';
import { el, replaceChildren } from './dom.ts';
import { formatSec } from './format.ts';

/** As PART_GROUPS of the account. */
const ICICLE_GROUPS = ['user', 'system', 'irq', 'steal', 'run-queue', 'blocked', 'unexplained'];
const FIELDS = 5;
const ROW_PX = 20;
/** Narrower boxes are not drawn: they can be had by opening the box round them. */
const SHARE_DRAWN_MIN = 0.0015;

type IcicleNode = {
  name: string;
  ns: number;
  group: string;
  kernel: boolean;
  depth: number;
  parent: IcicleNode | null;
  children: IcicleNode[];
  /** Distance from the left edge of everything, ns. */
  from: number;
};

export type IcicleWords = {
  title: string;
  /** What the whole is, for who cannot see it; and after a share: "of all stalled time". */
  label: string;
  ofAll: string;
  note: string;
};

export const STALL_ICICLE: IcicleWords = {
  title: 'Where it was',
  label: 'Time of all stalls by function',
  ofAll: 'of all stalled time',
  note: 'All stalled time: loops at the top, what they called below; kernel functions are hatched. Click, or arrow keys and Enter, to open a part; Escape goes back.',
};

export function icicleCard(icicle: PageIcicle, words: IcicleWords): HTMLElement {
  const root = readNodes(icicle);
  let opened = root;
  let focused = root;
  let wanted = '';
  const boxes = new Map<IcicleNode, HTMLElement>();
  const readout = el('p', { class: 'readout icicle-readout', 'aria-live': 'polite' });
  const chart = el('div', { class: 'icicle', role: 'tree', 'aria-label': words.label });
  const whole = el('button', { type: 'button', class: 'more', hidden: true }, 'Show all');
  const search = el('input', {
    type: 'search',
    id: 'icicle-search',
    placeholder: 'part of a name',
    autocomplete: 'off',
    spellcheck: 'false',
  });

  const tell = (node: IcicleNode) => {
    const share = (part: IcicleNode) => `${((node.ns / Math.max(1, part.ns)) * 100).toPrecision(3)} %`;
    const where = node.kernel ? ' (kernel)' : '';
    readout.textContent = `${node.name}${where}: ${formatSec(node.ns / 1e9)}, ${share(root)} ${words.ofAll}${
      opened === root ? '' : `, ${share(opened)} of what is shown`
    }`;
  };
  const draw = () => {
    boxes.clear();
    const drawn: HTMLElement[] = [];
    const inside = (node: IcicleNode) => isWithin(node, opened) || isWithin(opened, node);
    let deepest = 0;
    const place = (node: IcicleNode) => {
      const shown = isWithin(opened, node);
      const width = shown ? 1 : node.ns / opened.ns;
      if (width < SHARE_DRAWN_MIN) return;
      const box = el('button', {
        type: 'button',
        role: 'treeitem',
        class: `icicle-box part-${node.group}${node.kernel ? ' kernel' : ''}${shown && node !== opened ? ' above' : ''}`,
        tabindex: node === focused ? 0 : -1,
        'aria-level': node.depth + 1,
        title: node.name,
      });
      box.append(el('span', {}, node.name));
      box.style.left = `${(shown ? 0 : (node.from - opened.from) / opened.ns) * 100}%`;
      box.style.width = `${width * 100}%`;
      box.style.top = `${node.depth * ROW_PX}px`;
      const match = wanted !== '' && node.name.toLowerCase().includes(wanted);
      if (match) box.classList.add('match');
      box.addEventListener('click', () => open(node));
      box.addEventListener('focus', () => {
        focused = node;
        tell(node);
      });
      box.addEventListener('mouseenter', () => tell(node));
      boxes.set(node, box);
      drawn.push(box);
      deepest = Math.max(deepest, node.depth);
      for (const child of node.children) if (inside(child)) place(child);
    };
    place(root);
    chart.style.height = `${(deepest + 1) * ROW_PX}px`;
    replaceChildren(chart, ...drawn);
    whole.hidden = opened === root;
  };
  const focus = (node: IcicleNode | undefined) => {
    const box = node && boxes.get(node);
    if (!box) return;
    boxes.get(focused)?.setAttribute('tabindex', '-1');
    focused = node;
    box.setAttribute('tabindex', '0');
    box.focus();
  };
  const open = (node: IcicleNode) => {
    opened = focused = node;
    draw();
    focus(node);
    tell(node);
  };
  const beside = (step: number) => {
    const row = [...boxes.keys()].filter(({ depth }) => depth === focused.depth);
    row.sort((a, b) => a.from - b.from);
    return row[row.indexOf(focused) + step];
  };
  const keys: Record<string, () => void> = {
    ArrowDown: () => focus(focused.children.find((child) => boxes.has(child))),
    ArrowUp: () => focus(focused.parent ?? undefined),
    ArrowLeft: () => focus(beside(-1)),
    ArrowRight: () => focus(beside(1)),
    Home: () => focus(root),
    Escape: () => open(opened.parent ?? root),
  };
  chart.addEventListener('keydown', (event) => {
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  search.addEventListener('input', () => {
    wanted = search.value.trim().toLowerCase();
    draw();
    if (wanted === '') tell(opened);
    else readout.textContent = matchText(root, wanted, words.ofAll);
  });
  whole.addEventListener('click', () => open(root));
  draw();
  tell(root);
  return el(
    'div',
    { class: 'card' },
    el('h3', {}, words.title),
    el('p', { class: 'note first' }, words.note),
    el('div', { class: 'choice icicle-tools' }, el('label', { for: 'icicle-search' }, 'Find'), search, whole),
    readout,
    el('div', { class: 'icicle-scroll' }, chart),
    icicle.leftOut > 0 && el('p', { class: 'note' }, 'Parts too small to be seen are left out.'),
  );
}

function readNodes(icicle: PageIcicle): IcicleNode {
  const nodes: IcicleNode[] = [];
  const filled: number[] = [];
  for (let at = 0; at < icicle.nodes.length; at += FIELDS) {
    const [parentIndex, name, ns, group, kernel] = icicle.nodes.slice(at, at + FIELDS) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const parent = nodes[parentIndex] ?? null;
    const from = parent ? parent.from + filled[parentIndex]! : 0;
    if (parent) filled[parentIndex]! += ns;
    const node: IcicleNode = {
      name: icicle.names[name] ?? '?',
      ns,
      group: ICICLE_GROUPS[group] ?? 'unexplained',
      kernel: kernel === 1,
      depth: parent ? parent.depth + 1 : 0,
      parent,
      children: [],
      from,
    };
    parent?.children.push(node);
    nodes.push(node);
    filled.push(0);
  }
  return nodes[0]!;
}

/** Whether `inner` is `outer` or lies below it. */
function isWithin(inner: IcicleNode, outer: IcicleNode): boolean {
  let node: IcicleNode | null = inner;
  while (node && node.depth > outer.depth) node = node.parent;
  return node === outer;
}

/** Time in matching functions; what lies below a match is not counted again. */
function matchText(root: IcicleNode, wanted: string, ofAll: string): string {
  let ns = 0;
  let count = 0;
  const visit = (node: IcicleNode, isCounted: boolean) => {
    const match = node.name.toLowerCase().includes(wanted);
    if (match) count++;
    if (match && !isCounted) ns += node.ns;
    for (const child of node.children) visit(child, isCounted || match);
  };
  visit(root, false);
  if (count === 0) return `“${wanted}” is in no name.`;
  return `“${wanted}”: ${formatSec(ns / 1e9)}, ${((ns / root.ns) * 100).toPrecision(3)} % ${ofAll}`;
}
