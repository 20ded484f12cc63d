/** A terminal's screen, as tmux captures it with `-e`, as a page that looks like one, in the reader's theme. */

/** The eight colours of a terminal, on light and on dark. */
const COLOURS: readonly [light: string, dark: string][] = [
  ['#24292f', '#6e7681'],
  ['#cf222e', '#ff7b72'],
  ['#1a7f37', '#3fb950'],
  ['#9a6700', '#d29922'],
  ['#0969da', '#58a6ff'],
  ['#8250df', '#bc8cff'],
  ['#1b7c83', '#39c5cf'],
  ['#57606a', '#b1bac4'],
];

const rules = (theme: 0 | 1) =>
  COLOURS.map((pair, index) => `.c${index}{color:${pair[theme]}}`).join('') +
  (theme === 0
    ? '#terminal{color:#24292f;background:#f6f8fa;border-color:#d0d7de}'
    : '#terminal{color:#e6edf3;background:#0d1117;border-color:#30363d}');

const STYLE = `body{margin:0}
#terminal{display:inline-block;margin:0;padding:14px 18px;border:1px solid;border-radius:6px;
  font:13px/1.4 "DejaVu Sans Mono",monospace;white-space:pre}
.bold{font-weight:bold}.dim{opacity:.65}.reverse{filter:invert(1)}
${rules(0)}
@media (prefers-color-scheme:dark){body{background:#0d1117}${rules(1)}}`;

/** `screen`: lines with SGR sequences. Lines that are empty at its end are left out. */
export function terminalPage(screen: string, command: string): string {
  const text = `$ ${command}\n${screen.trimEnd()}`;
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><pre id="terminal">${toHtml(text)}</pre>`;
}

function toHtml(text: string): string {
  const on = new Set<string>();
  let html = '';
  // ESC [ … m, the one sequence that a captured pane holds.
  for (const part of text.split('\x1b[')) {
    const end = html === '' ? null : /^([\d;]*)m/.exec(part);
    if (end) applyTo(on, end[1]!);
    const words = (end ? part.slice(end[0].length) : part).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    html += on.size === 0 ? words : `<span class="${[...on].join(' ')}">${words}</span>`;
  }
  return html;
}

function applyTo(on: Set<string>, codes: string): void {
  const clear = (pattern: RegExp) => {
    for (const name of on) if (pattern.test(name)) on.delete(name);
  };
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) on.clear();
    else if (code === 1) on.add('bold');
    else if (code === 2) on.add('dim');
    else if (code === 7) on.add('reverse');
    else if (code === 22) clear(/bold|dim/);
    else if (code === 27) clear(/reverse/);
    else if (code === 39) clear(/^c\d/);
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      clear(/^c\d/);
      on.add(`c${code % 10}`);
    }
  }
}
