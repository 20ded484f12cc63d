import { formatNs } from '../../base/units.ts';
import { notOkShare } from '../../diagnose/facts/throughput.ts';
import type { CulpritId, Diagnosis, Finding } from '../../diagnose/finding.ts';
import type { Run } from '../../record/run.ts';
import type { LatencyRow } from '../model/latency.ts';
import type { Ink, Paper } from '../text/paper.ts';
import {
  absentPhrase,
  certainty,
  departedPhrase,
  incompletePhrase,
  loopLabel,
  outcomePhrase,
  planPhrase,
  plural,
  secondCause,
} from '../text/phrases.ts';

/** Suspects named in the compact list before it says "and n more". */
const CLEARED_SHOWN = 8;
const LOOPS_NAMED = 4;

/** The first line of every report, and what the reader must know before believing it. */
export function writeVerdict(paper: Paper, run: Run, diagnosis: Diagnosis, rows: LatencyRow[]): void {
  const { verdict } = diagnosis;
  if (run.header.mode === 'load' && run.load) {
    paper.sentence(outcomePhrase(run.load, rows[0]), { ink: ['bold'] });
    if (verdict.culprit !== 'healthy') writeFindingLine(paper, verdict);
  } else {
    writeFindingLine(paper, verdict);
  }
  const second = secondCause(diagnosis);
  if (second) writeFindingLine(paper, second, 'and ');
  paper.sentence(contextPhrase(run), { ink: ['dim'] });
  if (run.header.mode !== 'load' && run.load && notOkShare(run.load.counts) > 0) {
    paper.sentence(outcomePhrase(run.load, rows[0]), { ink: ['bold'] });
  }
  for (const check of diagnosis.self.checks.filter((candidate) => candidate.verdict === 'VOID')) {
    const spoilt = check.spoils.length > 0 ? `; withheld: ${check.spoils.join(', ')} times` : '';
    paper.sentence(`VOID: ${check.text}${spoilt}`, { ink: ['bold', 'red'] });
  }
  const incomplete = incompletePhrase(run);
  if (incomplete) paper.sentence(`Incomplete: ${incomplete}`, { ink: ['yellow'] });
  if (run.header.mode === 'load' && run.load) writeJudgement(paper, diagnosis, incomplete !== null);
  const departed = departedPhrase(run);
  if (departed) paper.sentence(departed, { ink: ['dim'] });
  const absent = absentPhrase(run);
  if (absent) paper.sentence(absent, { ink: ['dim'] });
}

/** Whether the figures can be relied on, before anybody reads them. VOID has its own lines above. */
function writeJudgement(paper: Paper, { self }: Diagnosis, saidIncomplete: boolean): void {
  if (self.verdict === 'PASS') {
    const passed = self.checks.filter(({ verdict }) => verdict === 'PASS').length;
    paper.sentence(`Self-judgement PASS: ${plural(passed, 'check')} of the load itself`, { ink: ['green'] });
  }
  for (const check of self.checks.filter(({ verdict }) => verdict === 'WARN')) {
    if (saidIncomplete && check.name === 'completeness') continue;
    paper.sentence(`WARN ${check.name}: ${check.text}`, { ink: ['yellow'] });
  }
}

function writeFindingLine(paper: Paper, finding: Finding, before = ''): void {
  const line = `${before}${finding.culprit}: ${finding.headline} (${certainty(finding)})`;
  paper.sentence(line, { ink: ['bold', inkOf(finding.culprit)] });
}

function inkOf(culprit: CulpritId): Ink {
  if (culprit === 'healthy') return 'green';
  if (culprit === 'unexplained' || culprit === 'wait.timer-slack') return 'yellow';
  return culprit.startsWith('client.') || culprit.startsWith('observer.') ? 'magenta' : 'red';
}

/** What was done to whom: the load and the loops, in one or two lines. */
function contextPhrase(run: Run): string {
  const parts: string[] = [];
  if (run.load) parts.push(planPhrase(run.load));
  const { observation } = run;
  if (observation) {
    const names = observation.loops.slice(0, LOOPS_NAMED).map(loopLabel);
    const more = observation.loops.length - names.length;
    const watched = names.length > 0 ? names.join(', ') : 'no loop';
    const tier = observation.tier === 'bpf' ? '' : ' through /proc only';
    parts.push(`watched ${watched}${more > 0 ? ` and ${more} more` : ''}${tier}`);
    const spanNs = observation.endNs - observation.startNs;
    if (!run.load) parts.push(`for ${formatNs(spanNs)}`);
    if (observation.tier === 'bpf') {
      parts.push(`${plural(observation.stalls.length, 'stall')} over ${formatNs(observation.budgetNs)}`);
    }
  }
  return parts.join('; ');
}

export function writeEvidence(paper: Paper, diagnosis: Diagnosis): void {
  const { evidence } = diagnosis.verdict;
  if (evidence.length === 0) return;
  paper.heading('Evidence');
  for (const item of evidence) paper.bullet(item.text);
}

export function writeContributors(paper: Paper, diagnosis: Diagnosis): void {
  if (diagnosis.contributors.length === 0) return;
  paper.heading('Contributors');
  for (const finding of diagnosis.contributors) {
    paper.bullet(`${finding.culprit}: ${finding.headline} (${certainty(finding)})`);
  }
}

export function writeAdvice(paper: Paper, diagnosis: Diagnosis): void {
  const { advice } = diagnosis.verdict;
  if (advice.length === 0) return;
  paper.heading('What to do');
  for (const text of advice) paper.bullet(text);
}

export function writeCleared(paper: Paper, diagnosis: Diagnosis): void {
  const suspects = diagnosis.suspectsCleared;
  if (suspects.length === 0) return;
  paper.heading('Suspects cleared');
  for (const suspect of suspects.slice(0, CLEARED_SHOWN))
    paper.bullet(`${suspect.culprit}: ${suspect.why}`, ['dim']);
  const rest = suspects.slice(CLEARED_SHOWN);
  if (rest.length > 0) paper.bullet(`and ${rest.map((suspect) => suspect.culprit).join(', ')}`, ['dim']);
}
