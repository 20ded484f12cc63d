/** How far the report can be trusted: self-judgement, blind spots, the observer's own cost, where it was made. */
import type { Diagnosis, SelfCheck, SelfVerdict } from '../../diagnose/finding.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import type { Run } from '../../record/run.ts';
import type { ReportOptions } from '../reporter.ts';
import { costPhrases, environmentRows, unseenPhrases } from '../text/about-run.ts';
import type { Ink, Paper } from '../text/paper.ts';
import { formatValue, shellWords } from '../text/phrases.ts';

/** What needs attention comes first. */
const ORDER: readonly SelfVerdict[] = ['VOID', 'WARN', 'PASS', 'SKIP'];

const VERDICT_INK: Record<SelfVerdict, Ink> = { PASS: 'dim', WARN: 'yellow', VOID: 'red', SKIP: 'dim' };

export function writeSelf(paper: Paper, diagnosis: Diagnosis): void {
  const { self } = diagnosis;
  if (self.checks.length === 0) return;
  paper.heading(`Self-judgement: ${self.verdict}`);
  const checks = [...self.checks].sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
  for (const check of checks.filter(({ verdict }) => verdict === 'VOID' || verdict === 'WARN')) {
    paper.sentence(`${check.name}: ${check.text}${limitPhrase(check)}`, {
      first: `  ${check.verdict}  `,
      rest: '',
      ink: [VERDICT_INK[check.verdict]],
    });
  }
  // What is as it should be needs no sentence: the number and its limit. The page and --json have the words.
  const passed = checks.filter(({ verdict }) => verdict === 'PASS').map(numberPhrase);
  if (passed.length > 0) paper.sentence(passed.join('; '), { first: '  PASS  ', rest: '' });
  const skipped = checks.filter(({ verdict }) => verdict === 'SKIP').map(({ name }) => name);
  if (skipped.length > 0) {
    paper.sentence(`not judged: ${skipped.join(', ')}`, { first: '  SKIP  ', rest: '', ink: ['dim'] });
  }
}

function limitPhrase({ limit, value, unit, isLeast }: SelfCheck): string {
  if (limit === null || limit === 0 || value === null) return '';
  return ` (${isLeast ? 'at least' : 'limit'} ${formatValue(limit, unit)})`;
}

/** Below what can be felt a value may lie beyond its limit: the two side by side would say otherwise. */
function isWithin({ limit, value, isLeast }: SelfCheck): boolean {
  return limit === null || value === null || (isLeast ? value >= limit : value <= limit);
}

/** "client-cpu 9.9 % (limit 70 %)"; the name alone for what has no number. */
function numberPhrase(check: SelfCheck): string {
  const { name, value, unit } = check;
  const limit = limitPhrase(check);
  if (limit === '' || value === null) return name;
  return `${name} ${formatValue(value, unit)}${isWithin(check) ? limit : ''}`;
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
  rows.push({ term: 'Command', text: shellWords(['loopscope', ...run.header.command]) });
  const width = Math.max(...rows.map(({ term }) => term.length));
  for (const { term, text } of rows) paper.sentence(text, { first: `  ${term.padEnd(width)}  `, rest: '' });
}
