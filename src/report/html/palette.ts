/**
 * Colours that all pages have in common, for light and dark. Contrast of text on its ground is at least 4.5 : 1 in both; a
 * test measures it. What one page alone needs is in its own sheet.
 */
const PALETTE: Record<string, readonly [light: string, dark: string]> = {
  bg: ['#f5f5f2', '#101113'],
  card: ['#ffffff', '#18191c'],
  ink: ['#191a1c', '#ecedee'],
  'ink-2': ['#56595f', '#a6aab1'],
  line: ['#e6e6e0', '#292b30'],
  bad: ['#ad2f27', '#ff8d82'],
  good: ['#186a47', '#62cd94'],
  quiet: ['#56595f', '#a6aab1'],
  /** Blue, red, green, grey: what is drawn. */
  'tone-1': ['#3d78d8', '#6a9ff0'],
  'tone-2': ['#cf4b3d', '#ec6f60'],
  'tone-3': ['#2f8f7a', '#5cc0a8'],
  'tone-4': ['#85888d', '#8b8f97'],
};

/** As style rules. A page with a script has a button for its theme; one without follows the system's. */
export function paletteCss(chosenBy: 'button' | 'system'): string {
  const rules = (theme: 0 | 1) =>
    Object.entries(PALETTE)
      .map(([name, colours]) => `--${name}:${colours[theme]};`)
      .join('');
  return chosenBy === 'button'
    ? `:root{color-scheme:light;${rules(0)}}\n[data-theme="dark"]{color-scheme:dark;${rules(1)}}\n`
    : `:root{color-scheme:light dark;${rules(0)}}\n@media (prefers-color-scheme:dark){:root{${rules(1)}}}\n`;
}
