import { formatNs, formatShare } from '../../base/units.ts';
import type { SchedTrace } from '../../record/trace.ts';
import type { Paper } from '../text/paper.ts';
import { formatWhole } from '../text/phrases.ts';
import { writeTable } from '../text/table.ts';
import { allWaits, allWakes, type RivalGroup, rivalGroups } from './sched-model.ts';
import { quantileText, subjectPhrase, writeClosing, writeHistogram, writeThreads } from './trace-text.ts';

const RIVAL_ROWS = 12;
const CORES_SHOWN = 4;

export function writeSched(paper: Paper, trace: SchedTrace): void {
  const { threads } = trace;
  const waitNs = threads.reduce((sum, thread) => sum + thread.waitNs, 0);
  const runNs = threads.reduce((sum, thread) => sum + thread.runNs, 0);
  paper.heading(
    `Scheduling of ${subjectPhrase(trace, threads)}`,
    `ran ${formatNs(runNs)}, waited ${formatNs(waitNs)} for a CPU`,
  );
  writeThreads(
    paper,
    threads,
    [
      { title: 'ran', align: 'right' },
      { title: 'waited', align: 'right' },
      { title: 'blocked', align: 'right' },
      { title: 'wait p50', align: 'right' },
      { title: 'p99', align: 'right' },
      { title: 'max', align: 'right' },
      { title: 'vol.', align: 'right' },
      { title: 'invol.', align: 'right' },
      { title: 'moved', align: 'right' },
    ],
    (thread) => [
      formatNs(thread.runNs),
      formatNs(thread.waitNs),
      formatNs(thread.blockedNs),
      quantileText(thread.waitBuckets, 0.5, thread.waitMaxNs),
      quantileText(thread.waitBuckets, 0.99, thread.waitMaxNs),
      formatNs(thread.waitMaxNs),
      formatWhole(thread.voluntary),
      formatWhole(thread.involuntary),
      formatWhole(thread.migrations),
    ],
  );
  writeRivals(paper, rivalGroups(trace), waitNs);
  const waits = allWaits(threads);
  writeHistogram(paper, 'Run-queue delay: from runnable to running', waits.buckets, waits.maxNs);
  const wakes = allWakes(threads);
  writeHistogram(paper, 'Wake-up latency: from being woken to running', wakes.buckets, wakes.maxNs);
  writeClosing(paper, trace);
}

function writeRivals(paper: Paper, groups: RivalGroup[], waitNs: number): void {
  if (groups.length === 0) {
    paper.line();
    paper.sentence('No traced thread had to wait for a CPU.');
    return;
  }
  paper.heading('Who ran instead', 'while a traced thread was runnable, on the same CPU');
  writeTable(
    paper,
    [
      { title: 'time', align: 'right' },
      { title: 'of waiting', align: 'right' },
      { title: 'turns', align: 'right' },
      { title: 'pid', align: 'right' },
      { title: 'name', shrinkTo: 16 },
      { title: 'on CPU' },
    ],
    groups
      .slice(0, RIVAL_ROWS)
      .map((group) => [
        formatNs(group.ns),
        waitNs > 0 ? formatShare(group.ns / waitNs) : '',
        formatWhole(group.turns),
        group.pid === 0 ? '' : String(group.pid),
        rivalName(group),
        coresText(group),
      ]),
  );
  const more = groups.length - RIVAL_ROWS;
  if (more > 0)
    paper.sentence(`and ${formatWhole(more)} more; --json has all of them`, { first: '  ', ink: ['dim'] });
}

export function rivalName(group: RivalGroup): string {
  if (group.pid === 0) return 'nobody: the CPU was idle and waking up';
  if (group.kernelThread) return `${group.comm} (kernel)`;
  return group.traced ? `${group.comm} (traced too)` : group.comm;
}

export function coresText({ cores }: RivalGroup): string {
  const shown = cores.slice(0, CORES_SHOWN).map(({ cpu, ns }) => `${cpu}: ${formatNs(ns)}`);
  if (cores.length === 1) return String(cores[0]!.cpu);
  return shown.join(', ') + (cores.length > CORES_SHOWN ? ', …' : '');
}
