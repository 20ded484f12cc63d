import type { Diagnosis } from '../../diagnose/finding.ts';
import type { Run } from '../../record/run.ts';
import { latencyRows } from '../model/latency.ts';
import type { Reporter, ReportOptions } from '../reporter.ts';
import { Paper } from '../text/paper.ts';
import { writeLimit } from './limit.ts';
import { writeArrivals, writeKinds, writeLatency, writeLoad, writeStages } from './load.ts';
import { writeLoops } from './loops.ts';
import { writeReplay } from './replay.ts';
import { writeStacks } from './stacks.ts';
import { writeStalls } from './stalls.ts';
import { writeThresholds } from './thresholds.ts';
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
  const unwatched = run.observation === null;
  if (options.limit) writeLimit(paper, options.limit);
  writeVerdict(paper, run, diagnosis, rows);
  writeThresholds(paper, options.thresholds ?? []);
  // A load that nobody found fault with is told by its figures: suspects and advice would only stand before them.
  const quiet = unwatched && diagnosis.verdict.culprit === 'healthy';
  if (!quiet) {
    writeEvidence(paper, diagnosis);
    writeAdvice(paper, diagnosis);
    if (run.observation) {
      writeStalls(paper, run.observation, run.header.startedWallMs);
      writeStacks(paper, run.observation);
    }
    writeContributors(paper, diagnosis);
    writeCleared(paper, diagnosis);
  }
  if (run.observation) writeLoops(paper, run.observation);
  if (run.load) {
    writeLatency(paper, run.load, diagnosis, rows);
    writeReplay(paper, run.load, diagnosis);
    writeStages(paper, run.load, diagnosis);
    // Routes of a replay are kinds, and told already.
    if (!run.load.replay) writeKinds(paper, run.load, diagnosis);
    writeLoad(paper, run.load);
    writeArrivals(paper, run.load);
  }
  if (quiet) writeContributors(paper, diagnosis);
  writeSelf(paper, diagnosis);
  writeUnseen(paper, run, diagnosis);
  if (run.observation) writeCost(paper, run.observation);
  writeEnvironment(paper, run, options);
  return paper.toString();
}
