/** Building the page. Text only ever goes in through textContent: names from a stranger's processes are not markup. */

export type Child = Node | string | null | undefined | false;

type Attributes = Record<string, string | number | boolean | null | undefined>;

/** An element; attribute "class" and the like as in HTML, false and null leave it out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

export function append(parent: Node, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === '') continue;
    parent.appendChild(typeof child === 'string' ? document.createTextNode(child) : child);
  }
}

/** Sets a length through the style object: style attributes are forbidden by the page's own policy. */
export function widthPercent(element: HTMLElement, share: number): void {
  element.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
}

export function replaceChildren(parent: Element, ...children: Child[]): void {
  parent.textContent = '';
  append(parent, children);
}

/** A section with a heading that a screen reader can jump to. */
export function section(id: string, title: string, lead: string, ...children: Child[]): HTMLElement {
  return el(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    el(
      'div',
      { class: 'section-head' },
      el('h2', { id: `${id}-title` }, title),
      lead !== '' && el('p', { class: 'lead' }, lead),
    ),
    ...children,
  );
}
