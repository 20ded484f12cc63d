/** A profile as one page that needs nothing else: an icicle that opens, and what it was taken with. */
import { readFileSync } from 'node:fs';
import { clientCode, sheet } from '../html/assets.ts';
import { buildIcicle, type IcicleStack } from '../html/build-icicle.ts';
import { escapeHtml } from '../html/escape.ts';
import { jsonForScript } from '../html/html.ts';
import { htmlDocument } from '../html/page-shell.ts';
import { paletteCss } from '../html/palette.ts';

export type ProfilePage = {
  title: string;
  /** Sentences below the title. */
  notes: readonly string[];
  stacks: Iterable<IcicleStack>;
};

/** Names from outside are in the JSON block or escaped. */
export function renderProfilePage({ title, notes, stacks }: ProfilePage): string {
  const icicle = buildIcicle('all load threads', stacks);
  const style =
    paletteCss('button') +
    ['colours', 'page', 'base', 'layout', 'charts', 'icicle'].map(sheet).join('') +
    readFileSync(new URL('profile-page.css', import.meta.url), 'utf8');
  const code = ['dom', 'format', 'icicle'].map(clientCode).join('\n');
  const script = `(() => {\n'use strict';\n${code}\n${MAIN}})();\n`;
  const body = `<main>
<h1>${escapeHtml(title)}</h1>
${notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`).join('\n')}
<div id="icicle">${icicle === null ? '<p class="absent">No sample was taken.</p>' : ''}</div>
</main>
<script type="application/json" id="profile">${jsonForScript(icicle)}</script>`;
  return htmlDocument({ title: 'Loopscope profile', style, body, ...(icicle && { script }) });
}

const WORDS = {
  title: 'Where its CPU time went',
  label: 'CPU time of the load threads by function',
  ofAll: 'of all CPU time',
  note: 'CPU time of the load threads: threads at the top, what they called below; kernel functions are hatched. Click, or arrow keys and Enter, to open a part; Escape goes back.',
};

const MAIN = `const profile = JSON.parse(document.getElementById('profile').textContent);
document.getElementById('icicle').append(icicleCard(profile, ${JSON.stringify(WORDS)}));
`;
