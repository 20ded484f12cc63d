/** How far the report can be trusted: self-judgement, blind spots, the observer's own cost, where it was made. */
import type { Diagnosis, SelfVerdict } from '../../diagnose/finding.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import type { Run } from '../../record/run.ts';
import type { ReportOptions } from '../reporter.ts';
import { costPhrases, environmentRows, unseenPhrases } from '../text/about-run.ts';
import type { Ink, Paper } from '../text/paper.ts';
import { formatValue } from '../text/phrases.ts';

/** What needs attention comes first. */
const ORDER: readonly SelfVerdict[] = ['VOID', 'WARN', 'PASS', 'SKIP'];

const VERDICT_INK: Record<SelfVerdict, Ink> = { PASS: 'dim', WARN: 'yellow', VOID: 'red', SKIP: 'dim' };

export function writeSelf(paper: Paper, diagnosis: Diagnosis): void {
  const { self } = diagnosis;
  if (self.checks.length === 0) return;
  paper.heading(`Self-judgement: ${self.verdict}`);
  const checks = [...self.checks].sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
  for (const check of checks) {
    const label = `  ${check.verdict}  `;
    const limited = check.limit !== null && check.limit !== 0 && check.value !== null;
    const limit = limited ? ` (limit ${formatValue(check.limit!, check.unit)})` : '';
    const ink: Ink[] =
      check.verdict === 'PASS' || check.verdict === 'SKIP' ? [] : [VERDICT_INK[check.verdict]];
    paper.sentence(`${check.name}: ${check.text}${limit}`, { first: label, rest: '', ink });
  }
}

export function writeUnseen(paper: Paper, run: Run, diagnosis: Diagnosis): void {
  const phrases = unseenPhrases(run, diagnosis);
  if (phrases.length === 0) return;
  paper.heading('What could not be seen');
  for (const text of phrases) paper.bullet(text);
}

export function writeCost(paper: Paper, observation: ObservationRecord): void {
  paper.heading('What watching cost');
  for (const text of costPhrases(observation)) paper.bullet(text, text.startsWith('LOST') ? ['yellow'] : []);
}

export function writeEnvironment(paper: Paper, run: Run, options: ReportOptions): void {
  paper.heading('Where and how');
  const rows = environmentRows(run, options.runFile);
  rows.push({ term: 'Command', text: ['loopscope', ...run.header.command].join(' ') });
  const width = Math.max(...rows.map(({ term }) => term.length));
  for (const { term, text } of rows) paper.sentence(text, { first: `  ${term.padEnd(width)}  `, rest: '' });
}
