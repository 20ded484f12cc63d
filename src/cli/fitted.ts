import { wrap } from '../report/text/width.ts';

/** What text is written to: a terminal says how wide it is. */
type Screen = { isTTY?: boolean; columns?: number };

/**
 * A message as lines: broken at spaces where a terminal would break it anywhere, the later lines indented; left whole in
 * a pipe or a file. Words stay whole, so that a path can be copied.
 */
export function fitted({ isTTY, columns }: Screen, text: string, indent = '  '): string {
  if (!isTTY || !columns) return `${text}\n`;
  const words = text.trimStart();
  const lead = text.slice(0, text.length - words.length);
  const lines = wrap(words, columns - indent.length, true);
  return lines.map((line, i) => `${i === 0 ? lead : indent}${line}\n`).join('');
}
