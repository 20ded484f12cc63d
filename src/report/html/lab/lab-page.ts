/**
 * The page of an experiment: text, tables and plots, drawn here as HTML and SVG. It has no scripts and fetches nothing, so
 * its policy allows neither.
 */
import { readFileSync } from 'node:fs';
import { sheet } from '../assets.ts';
import { escapeHtml } from '../escape.ts';
import { htmlDocument } from '../page-shell.ts';
import { paletteCss } from '../palette.ts';
import { type BarChart, drawBars } from './bars.ts';
import { drawLines, type LineChart } from './lines.ts';

export type LabTable = {
  kind: 'table';
  caption: string;
  columns: { title: string; align?: 'left' | 'right' }[];
  rows: string[][];
  /** Index of a row that stands out. */
  strongRow?: number;
};

export type LabPart = LabTable | BarChart | LineChart | { kind: 'text'; text: string };

export type LabPage = {
  title: string;
  /** What was done, in one sentence. */
  lead: string;
  /** One sentence each, in order of weight; holds: whether it is as the incident had it, null: no more than a remark. */
  findings: { text: string; holds: boolean | null }[];
  sections: { title: string; text: string; parts: LabPart[] }[];
  footer: string;
};

let style: string | null = null;

export function renderLabPage(page: LabPage): string {
  style ??= paletteCss('system') + sheet('page') + readFileSync(new URL('lab.css', import.meta.url), 'utf8');
  const body = `<main>
<header>
<p class="brand">Loopscope lab</p>
<h1>${escapeHtml(page.title)}</h1>
<p class="lead">${escapeHtml(page.lead)}</p>
</header>
<ul class="findings">
${page.findings.map(drawFinding).join('\n')}
</ul>
${page.sections.map(drawSection).join('\n')}
</main>
<footer>${escapeHtml(page.footer)}</footer>`;
  return htmlDocument({ title: `${page.title} – Loopscope`, style, body });
}

function drawFinding({ text, holds }: LabPage['findings'][0]): string {
  const [tone, word] =
    holds === null ? ['remark', 'Note'] : holds ? ['holds', 'As expected'] : ['fails', 'Not so here'];
  return `<li class="${tone}"><strong>${word}</strong> <span>${escapeHtml(text)}</span></li>`;
}

function drawSection({ title, text, parts }: LabPage['sections'][0]): string {
  const lead = text === '' ? '' : `\n<p>${escapeHtml(text)}</p>`;
  return `<section>\n<h2>${escapeHtml(title)}</h2>${lead}\n${parts.map(drawPart).join('\n')}\n</section>`;
}

function drawPart(part: LabPart): string {
  if (part.kind === 'text') return `<p>${escapeHtml(part.text)}</p>`;
  if (part.kind === 'bars') return drawBars(part);
  if (part.kind === 'lines') return drawLines(part);
  return drawTable(part);
}

function drawTable({ caption, columns, rows, strongRow }: LabTable): string {
  const cell = (tag: 'th' | 'td', text: string, index: number) => {
    const left = columns[index]?.align === 'left' ? ' class="left"' : '';
    return `<${tag}${left}>${escapeHtml(text)}</${tag}>`;
  };
  const head = columns.map(({ title }, index) => cell('th', title, index)).join('');
  const body = rows.map((row, index) => {
    const strong = index === strongRow ? ' class="strong"' : '';
    return `<tr${strong}>${row.map((text, column) => cell('td', text, column)).join('')}</tr>`;
  });
  return (
    `<div class="scroll" tabindex="0"><table><caption>${escapeHtml(caption)}</caption>` +
    `<thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
  );
}
