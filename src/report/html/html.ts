import type { Diagnosis } from '../../diagnose/finding.ts';
import type { Run } from '../../record/run.ts';
import type { Reporter, ReportOptions } from '../reporter.ts';
import { pageScript, pageStyle } from './assets.ts';
import { buildPage } from './build-page.ts';
import { htmlDocument } from './page-shell.ts';

/** One file that needs nothing else: charts, styles and data are inside, and nothing is fetched. */
export const htmlReporter = {
  name: 'html',
  extension: 'html',
  summary: 'one self-contained page with charts; opens offline',
  render: renderHtml,
} satisfies Reporter;

/** Everything from outside is in the JSON block, where "<" is escaped; the page's scripts put it on screen as text. */
function renderHtml(run: Run, diagnosis: Diagnosis, options: ReportOptions): string {
  const page = buildPage(run, diagnosis, options);
  const body = `<div id="page"></div>
<noscript><p class="noscript">This report draws itself with a script of its own, and scripts are switched off here. The same facts are in the terminal report: loopscope report RUN-FILE.</p></noscript>
<script type="application/json" id="run">${jsonForScript(page)}</script>`;
  return htmlDocument({ title: 'Loopscope report', style: pageStyle(), body, script: pageScript() });
}

/** JSON that no HTML parser can mistake for markup: in a script element only "<" matters, the separators are for tools. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
