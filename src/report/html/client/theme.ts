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

export function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

export function themeButton(): HTMLButtonElement {
  const button = el('button', { type: 'button', class: 'theme-button' });
  const label = () => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Switch to the ${isDark() ? 'light' : 'dark'} theme`);
  };
  const changed = () => {
    label();
    for (const redraw of redraws) redraw();
  };
  button.addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  printInLight(changed);
  label();
  return button;
}

/** Paper is white: charts drawn in dark colours would be a waste of ink and hard to read. */
function printInLight(changed: () => void): void {
  let before: string | undefined;
  addEventListener('beforeprint', () => {
    before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = 'light';
    changed();
  });
  addEventListener('afterprint', () => {
    if (before === undefined) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = before;
    changed();
  });
}
