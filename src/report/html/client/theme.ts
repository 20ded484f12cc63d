/** Light and dark: the reader's system decides until the button is pressed. */
import { el } from './dom.ts';

const redraws: (() => void)[] = [];

/** Registers a picture that has colours in it: drawn again when they change. */
export function onTheme(redraw: () => void): void {
  redraws.push(redraw);
}

/** The value of a colour of the style sheet, for canvases. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function isDark(): boolean {
  return document.documentElement.dataset.theme === 'dark';
}

export function themeButton(): HTMLButtonElement {
  const button = el('button', { type: 'button', class: 'theme-button' });
  const system = matchMedia('(prefers-color-scheme: dark)');
  let chosen = false;
  const apply = (dark: boolean) => {
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    button.textContent = dark ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Switch to the ${dark ? 'light' : 'dark'} theme`);
    for (const redraw of redraws) redraw();
  };
  button.addEventListener('click', () => {
    chosen = true;
    apply(!isDark());
  });
  system.addEventListener('change', () => {
    if (!chosen) apply(system.matches);
  });
  printInLight(apply);
  apply(system.matches);
  return button;
}

/** Paper is white: charts drawn in dark colours would be a waste of ink and hard to read. */
function printInLight(apply: (dark: boolean) => void): void {
  let wasDark = false;
  addEventListener('beforeprint', () => {
    wasDark = isDark();
    if (wasDark) apply(false);
  });
  addEventListener('afterprint', () => {
    if (wasDark) apply(true);
  });
}
