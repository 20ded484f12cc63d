/** Horizontal bars, one for each thing that is compared: lengths from zero, values written beside them. */
import { escapeHtml } from '../escape.ts';

export type BarChart = {
  kind: 'bars';
  title: string;
  /** Null value: there is no figure, and `text` says why. `tone` 1 to 4 is a colour. */
  bars: { label: string; value: number | null; text: string; tone?: 1 | 2 | 3 | 4 }[];
};

const WIDTH = 720;
const LABEL_WIDTH = 170;
const TEXT_WIDTH = 130;
const ROW_HEIGHT = 26;

export function drawBars({ title, bars }: BarChart): string {
  const most = Math.max(...bars.map(({ value }) => value ?? 0), Number.MIN_VALUE);
  const room = WIDTH - LABEL_WIDTH - TEXT_WIDTH;
  const rows = bars.map(({ label, value, text, tone }, index) => {
    const y = index * ROW_HEIGHT;
    const length = value === null ? 0 : Math.max(value > 0 ? 1 : 0, (value / most) * room);
    return (
      `<text x="${LABEL_WIDTH - 10}" y="${y + 17}" text-anchor="end">${escapeHtml(label)}</text>` +
      `<rect class="tone-${tone ?? 1}" x="${LABEL_WIDTH}" y="${y + 4}" width="${length.toFixed(1)}" height="18" rx="2"/>` +
      `<text class="value" x="${(LABEL_WIDTH + length + 8).toFixed(1)}" y="${y + 17}">${escapeHtml(text)}</text>`
    );
  });
  const height = bars.length * ROW_HEIGHT;
  const said = bars.map(({ label, text }) => `${label} ${text}`).join('; ');
  return (
    `<figure><figcaption>${escapeHtml(title)}</figcaption>` +
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(`${title}: ${said}`)}">${rows.join('')}</svg></figure>`
  );
}
