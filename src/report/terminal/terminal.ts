import type { Diagnosis } from '../../diagnose/finding.ts';
import type { Run } from '../../record/run.ts';
import { latencyRows } from '../model/latency.ts';
import type { Reporter, ReportOptions } from '../reporter.ts';
import { Paper } from '../text/paper.ts';
import { writeLatency, writeLoad } from './load.ts';
import { writeLoops } from './loops.ts';
import { writeStalls } from './stalls.ts';
import { writeCost, writeEnvironment, writeSelf, writeUnseen } from './trust.ts';
import { writeAdvice, writeCleared, writeContributors, writeEvidence, writeVerdict } from './verdict.ts';

/** The report for a screen: the verdict first, then what proves it, then how far to trust it. */
export const terminalReporter = {
  name: 'terminal',
  extension: 'txt',
  summary: 'text for the screen: verdict, evidence, account, latency, self-judgement',
  render: renderTerminal,
} satisfies Reporter;

function renderTerminal(run: Run, diagnosis: Diagnosis, options: ReportOptions): string {
  const paper = new Paper(options);
  const rows = run.load ? latencyRows(run.load, diagnosis) : [];
  writeVerdict(paper, run, diagnosis, rows);
  writeEvidence(paper, diagnosis);
  writeAdvice(paper, diagnosis);
  if (run.observation) writeStalls(paper, run.observation);
  writeContributors(paper, diagnosis);
  writeCleared(paper, diagnosis);
  if (run.observation) writeLoops(paper, run.observation);
  if (run.load) {
    writeLatency(paper, run.load, diagnosis, rows);
    writeLoad(paper, run.load);
  }
  writeSelf(paper, diagnosis);
  writeUnseen(paper, run, diagnosis);
  if (run.observation) writeCost(paper, run.observation);
  writeEnvironment(paper, run, options);
  return paper.toString();
}
