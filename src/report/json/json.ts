import type { Diagnosis } from '../../diagnose/finding.ts';
import type { Run } from '../../record/run.ts';
import type { Reporter, ReportOptions } from '../reporter.ts';
import { reportObject } from './report-object.ts';

/** One JSON document, documented in docs/reference/report-json.md: a contract, changed only with a CHANGELOG line. */
export const jsonReporter = {
  name: 'json',
  extension: 'json',
  summary: 'one JSON document for scripts: the same facts, times in ns',
  render: renderJson,
} satisfies Reporter;

/** The same document as one line, the last of the stream of `watch --json`: its type tells it from the others. */
export const jsonLineReporter = {
  ...jsonReporter,
  render: (run: Run, diagnosis: Diagnosis, options: ReportOptions) =>
    `${escapeInvisible(JSON.stringify({ type: 'report', ...reportObject(run, diagnosis, options) }))}\n`,
};

/** A line of that stream. */
export function jsonLine(object: object): string {
  return `${escapeInvisible(JSON.stringify(object))}\n`;
}

function renderJson(run: Run, diagnosis: Diagnosis, options: ReportOptions): string {
  return `${escapeInvisible(JSON.stringify(reportObject(run, diagnosis, options), null, 2))}\n`;
}

/**
 * JSON.stringify escapes what JSON must escape, which leaves C1 controls and direction overrides as they are. A name
 * from a process could steer the terminal that shows the document with them, so they are escaped as well: no value
 * changes by it.
 */
function escapeInvisible(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
