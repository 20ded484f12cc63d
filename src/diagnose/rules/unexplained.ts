import { printable } from '../../base/printable.ts';
import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import type { LoadRecord } from '../../record/load.ts';
import { unnamedTallies } from '../facts/excess.ts';
import type { Facts, WatchFacts } from '../facts/facts.ts';
import type { LoadFacts } from '../facts/load.ts';
import { UNNAMED } from '../facts/slices.ts';
import { wrongReasons } from '../facts/throughput.ts';
import type { Evidence } from '../finding.ts';
import { EXCESS, SHARE, TAIL } from '../limits.ts';
import { fact, type Judgement, type Rule } from '../rule.ts';
import { plural } from '../words.ts';

/** Something was late, and the evidence does not say why. Saying so beats guessing. */
export const unexplained = {
  culprit: 'unexplained',
  title: 'late, but the evidence names nobody',
  order: 900,
  judge(facts) {
    const { load, watch } = facts;
    if (!load && !watch) return verdict('nothing was recorded in this run', [], ['run it again']);
    const failed = load && failures(load, watch);
    if (failed && 'standing' in failed && failed.standing === 'decisive') return failed;
    return (
      (watch && lostTime(watch)) ??
      failed ??
      (watch && blind(watch, load)) ??
      (load && lateReplies(load, watch)) ?? { cleared: explained(facts) }
    );
  },
} satisfies Rule;

function verdict(headline: string, evidence: Evidence[], advice: string[]): Judgement {
  const finding = {
    culprit: 'unexplained' as const,
    share: 1,
    confidence: 'low' as const,
    headline,
    evidence,
    advice,
  };
  return { standing: 'fallback', finding };
}

/** Loops lost time, most of it to nothing that has a name. */
function lostTime({ excess }: WatchFacts): Judgement | null {
  const unnamed = unnamedTallies(excess);
  const shareOfLoop = excess.worstLoopShare * excess.unnamedShare;
  if (shareOfLoop < EXCESS.unexplainedShare || excess.unnamedShare <= SHARE.unexplained) return null;
  const evidence = unnamed
    .slice(0, 4)
    .map((tally) =>
      fact(
        tally.cause,
        tally.lostNs,
        'ns',
        `${formatNs(tally.lostNs)} (${formatShare(tally.share)} of the excess) is ${UNNAMED[tally.cause]}.`,
      ),
    );
  return {
    standing: 'share',
    finding: {
      culprit: 'unexplained',
      share: excess.unnamedShare,
      confidence: 'low',
      headline:
        `${excess.worstLoop?.name ?? 'the loop'} lost ${formatShare(excess.worstLoopShare)} of its time, and ` +
        `${formatShare(excess.unnamedShare)} of that has no cause this tool can prove`,
      evidence,
      advice: [
        'run as root with BPF allowed, if it was not: see what could not be seen',
        'watch longer: stalls seen in full name their cause',
      ],
    },
  };
}

/** What went wrong, and how often. */
type Failure = { what: string; count: number; metric: string };

function failuresOf({ counts, errorsByKind, ...replies }: LoadRecord): Failure[] {
  const of = (metric: string, byKind: Record<string, number>) =>
    Object.entries(byKind).map(([what, count]) => ({ what, count, metric }));
  const timeouts = of('timeouts', { 'no answer in time': counts.timeout });
  return [...timeouts, ...of('errors', errorsByKind), ...of('wrong', wrongReasons(replies))]
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}

function failures(load: LoadFacts, watch: WatchFacts | null): Judgement | null {
  const { counts, firstTexts = {} } = load.record;
  if (load.failedShare < TAIL.failedShare && counts.wrong <= counts.ok) return null;
  const found = failuresOf(load.record);
  const said = ({ what }: Failure) =>
    firstTexts[what] === undefined ? '' : ` (“${printable(firstTexts[what], 80)}”)`;
  const evidence = found
    .slice(0, 5)
    .map((each) =>
      fact(
        each.metric,
        each.count,
        'requests',
        `${plural(each.count, 'request')} failed: ${printable(each.what, 60)}${said(each)}.`,
      ),
    );
  if (counts.unsent > 0) {
    const text = `${plural(counts.unsent, 'request')} ${counts.unsent === 1 ? 'was' : 'were'} never sent.`;
    evidence.push(fact('unsent', counts.unsent, 'requests', text));
  }
  const main = printable(found[0]?.what ?? 'no answer in time', 60);
  const isPlain = watch === null || isRefused(load);
  const headline = isPlain
    ? `${formatShare(load.notOkShare)} of requests failed${counts.unsent > 0 ? ', those that were sent' : ','} mostly so: ${main}`
    : `${formatShare(load.failedShare)} of requests ended in errors or timeouts, and no loop’s lateness explains it`;
  const advice = ['read the server’s own error log for these times'];
  if (OTHER_PROTOCOL.test(main)) advice.unshift('is this the right port, and the protocol that it speaks?');
  const judgement = verdict(headline, evidence, advice);
  return watch && isRefused(load) ? { ...judgement, standing: 'decisive' } : judgement;
}

const OTHER_PROTOCOL = /^(not [A-Z]+|wrong magic bytes|frame length out of bounds)$/;

/** Most requests that came to an end were refused, or answered wrongly: a late loop makes neither. */
function isRefused({ record: { counts } }: LoadFacts): boolean {
  return counts.error + counts.wrong > counts.ok + counts.timeout;
}

/** Watched, but nothing came of it. */
function blind(watch: WatchFacts, load: LoadFacts | null): Judgement | null {
  const { loops, record } = watch;
  if (loops.length === 0) return verdict('no loop was watched', [], ['check the pid: is it the server’s?']);
  if (!loops.some((loop) => loop.timeNs > 0))
    return verdict('the loops were found, but nothing was recorded of them', [], ['run it again']);
  if (loops.every((loop) => loop.slept)) return asleep(watch, load);
  const isWhole = record.tier === 'proc' || record.stalls.length > 0;
  if (isWhole || loops.some((loop) => loop.cycleCount > 0)) return null;
  const evidence = [
    fact('cycles', 0, 'cycles', 'The loops ran, but not one cycle ended while they were watched.'),
  ];
  return verdict('no cycle ended in this run: the loops’ lateness was not measured', evidence, [
    'watch longer',
  ]);
}

/** No loop woke: on time, for all that is known, and late, for all that is known. */
function asleep(watch: WatchFacts, load: LoadFacts | null): Judgement {
  const subject = watch.loops.length === 1 ? 'the loop' : `all ${watch.loops.length} loops`;
  const text = `0 cycles and no CPU time: ${subject} waited for events throughout.`;
  const evidence = [fact('cycles', 0, 'cycles', text)];
  const answered = load?.record.counts.ok ?? 0;
  if (answered > 0) {
    evidence.push(
      fact('answered', answered, 'requests', `${formatCount(answered)} requests were answered meanwhile.`),
    );
    return verdict(
      `${subject} slept through the run: another process answered, or a thread that was not watched`,
      evidence,
      ['give the pid of the process that answers, or :PORT to find it: loopscope doctor TARGET --pid :PORT'],
    );
  }
  return verdict(
    `${subject} slept through the watch: nothing came, so nothing says how it would do`,
    evidence,
    ['watch while the server has traffic, or drive it: loopscope doctor TARGET --pid PID'],
  );
}

/** Replies were late although no loop was, or none was watched. */
function lateReplies(load: LoadFacts, watch: WatchFacts | null): Judgement | null {
  const response = load.responseOrWorse;
  if (!load.tailLate || !response || (watch?.material.length ?? 0) > 0) return null;
  const p50 = formatNs(response.quantileNs(0.5));
  const p99 = formatNs(response.quantileNs(0.99));
  const evidence = [
    fact('response_p99', response.quantileNs(0.99), 'ns', `Response times: p50 ${p50}, p99 ${p99}.`),
  ];
  if (!watch) {
    const headline = `the slowest replies took ${p99} where ${p50} is usual, and the server was not watched`;
    return verdict(headline, evidence, ['watch it too: loopscope doctor TARGET --pid PID']);
  }
  const lost = formatShare(watch.excess.worstLoopShare);
  evidence.push(
    fact(
      'lost_share',
      watch.excess.worstLoopShare,
      'share',
      `The worst loop lost ${lost} of its time to stalls.`,
    ),
  );
  const { stallCount, lostNs, withinSlackCount } = watch.excess;
  const innocent =
    stallCount === 0 && lostNs === 0
      ? `the watched loops were not late${withinSlackCount > 0 ? ' beyond their timers’ slack' : ''}`
      : `the ${lost} of its time that the worst loop lost does not explain it`;
  const headline =
    watch.record.tier === 'bpf'
      ? `replies took up to ${p99} at p99, but ${innocent}: look behind the loops or at the network`
      : `replies took up to ${p99} at p99; from /proc alone the reason cannot be seen`;
  const advice =
    watch.record.tier === 'bpf'
      ? [
          'check that the watched process is the one that answers',
          'look at what it waits for: upstreams, databases',
        ]
      : ['run as root with BPF allowed: the loops’ stalls can then be seen'];
  return verdict(headline, evidence, advice);
}

function explained({ watch }: Facts): string {
  if (!watch) return 'no reply stands out from the others enough to ask why';
  const { unnamedNs, unnamedShare } = watch.excess;
  return unnamedNs === 0
    ? 'no lost time is left without a name'
    : `${formatNs(unnamedNs)} of lost time has no name, ${formatShare(unnamedShare)} of the excess`;
}
