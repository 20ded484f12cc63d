import { stripVTControlCharacters } from 'node:util';

/** Cells a text takes on a terminal: wide East Asian characters and emoji take two, combining marks none. */
export function displayWidth(text: string): number {
  let cells = 0;
  for (const char of stripVTControlCharacters(text)) {
    if (/\p{Mn}|\p{Me}/u.test(char)) continue;
    cells += isWide(char.codePointAt(0)!) ? 2 : 1;
  }
  return cells;
}

/** Pads on the right (or left, for numbers) to a number of cells. */
export function pad(text: string, cells: number, align: 'left' | 'right' = 'left'): string {
  const room = ' '.repeat(Math.max(0, cells - displayWidth(text)));
  return align === 'left' ? text + room : room + text;
}

/** Cuts a text to a number of cells, with an ellipsis where something is missing. */
export function cut(text: string, cells: number, ellipsis = '…'): string {
  if (displayWidth(text) <= cells) return text;
  let out = '';
  let used = displayWidth(ellipsis);
  for (const char of text) {
    const width = displayWidth(char);
    if (used + width > cells) break;
    out += char;
    used += width;
  }
  return out + ellipsis;
}

/** Cuts in the middle, so that both ends stay: "fsync (/var/…/journal.log, 206×)". */
export function cutMiddle(text: string, cells: number, ellipsis = '…'): string {
  if (displayWidth(text) <= cells) return text;
  const room = cells - displayWidth(ellipsis);
  const tailRoom = Math.ceil(room / 2);
  let tail = '';
  for (const char of [...text].reverse()) {
    if (displayWidth(tail) + displayWidth(char) > tailRoom) break;
    tail = char + tail;
  }
  return cut(text, cells - displayWidth(tail), ellipsis) + tail;
}

/** A space inside "1.23 ms", "84 %" or "39 990" is no place to break a line. */
const BREAK = /(?<!\d) | (?!(?:ns|[µu]s|ms|s|%|[kMG]|B|[KMGT]iB|CPUs?)(?![\p{L}\p{N}]))(?!\d{3}(?!\d))/u;

/**
 * Breaks at spaces so that no line is wider than `cells`; a longer word is broken where it must, or with `keepsWords`
 * left whole, for a path that is to be copied.
 */
export function wrap(text: string, cells: number, keepsWords = false): string[] {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(BREAK)) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > cells) {
      lines.push(line);
      line = '';
    }
    while (!keepsWords && displayWidth(word) > cells) {
      const head = cut(word, cells, '');
      if (head === '') break;
      lines.push(head);
      word = word.slice(head.length);
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** The blocks of Unicode's East Asian Width W and F that names are likely to hold. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0x303e) ||
    (code >= 0x3041 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1f64f) ||
    (code >= 0x1f900 && code <= 0x1f9ff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}
