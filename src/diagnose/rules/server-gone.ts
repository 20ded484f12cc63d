import { printable } from '../../base/printable.ts';
import { formatNs } from '../../base/units.ts';
import type { BaseFacts } from '../facts/facts.ts';
import type { LoadFacts } from '../facts/load.ts';
import { sumBy } from '../facts/numbers.ts';
import type { Evidence } from '../finding.ts';
import { goneName, momentText, outageText, waitsText } from '../hindrances.ts';
import { fact, type Judgement, type Rule } from '../rule.ts';

/** Outages told one by one. */
const TOLD = 4;

/** The server was not there: connects found nobody, or the watched process ended. Whatever else there is follows from it. */
export const serverGone = {
  culprit: 'server.gone',
  title: 'the server went away',
  order: 5,
  judge(facts) {
    const { load } = facts;
    const exits = exitsOf(facts);
    if (load && load.hindrances.outages.length > 0) return missed(load, exits);
    if (exits.length > 0 && isAllGone(facts)) {
      const headline = `the watched process ended: ${exits.map(({ text }) => text).join(', ')}`;
      return gone(headline, exits.map(asEvidence));
    }
    if (!load?.record.outages) return null;
    return { cleared: 'no connect found it gone while no connection was open' };
  },
} satisfies Rule;

type Exit = { pid: number; text: string };

function missed(load: LoadFacts, exits: readonly Exit[]): Judgement {
  const { outages, isGone, wasGone } = load.hindrances;
  // The one that it did not come back from is the last.
  const main = isGone
    ? outages.at(-1)!
    : outages.reduce((a, b) => (lengthOf(b.fromNs, b.toNs) > lengthOf(a.fromNs, a.toNs) ? b : a));
  const more = outages.length > 1 ? `; ${outages.length} times in all` : '';
  const waits = waitsText(load.hindrances);
  const evidence = [
    ...outages
      .slice(0, TOLD)
      .map((outage) => fact('outage', outage.refused, 'connects', sentence(outageText(load.record, outage)))),
    ...exits.map(asEvidence),
    ...(waits ? [fact('requests_waiting', waitingCount(load), 'requests', sentence(waits))] : []),
  ];
  const headline = `${outageText(load.record, main)}${more}`;
  const judgement = gone(headline, evidence, !isGone, goneName(load.record, main));
  return isGone || wasGone ? judgement : { ...judgement, standing: 'aside' };
}

function gone(headline: string, evidence: Evidence[], isBack = false, who = 'the server') {
  const log = `read ${who === 'the proxy' ? who : 'the server'}’s own log of that time`;
  return {
    standing: 'decisive' as const,
    finding: {
      culprit: 'server.gone' as const,
      share: 1,
      confidence: 'high' as const,
      headline,
      evidence,
      advice: isBack
        ? [`${log}: it was restarted, or left its socket for a while`]
        : [
            `${log}: it ended, or was ended`,
            'the kernel’s log tells of a process that took too much memory: dmesg',
          ],
    },
  };
}

function lengthOf(fromNs: number, toNs: number | null): number {
  return (toNs ?? Number.POSITIVE_INFINITY) - fromNs;
}

function waitingCount({ hindrances: { counts } }: LoadFacts): number {
  return counts ? sumBy(Object.values(counts), (count) => count) : 0;
}

/** Processes that were to be watched, and ended. */
function exitsOf({ run, load, watch }: BaseFacts): Exit[] {
  if (!watch) return [];
  return watch.record.exits
    .filter(({ pid }) => run.header.watchedPids.includes(pid))
    .slice(0, TOLD)
    .map(({ pid, atNs }) => {
      const comm = watch.record.loops.find((loop) => loop.pid === pid)?.comm;
      const who = comm === undefined ? `process ${pid}` : `${printable(comm, 20)} (pid ${pid})`;
      const ofLoad = load ? ` (${momentText(load.record, atNs)} into the load)` : '';
      return { pid, text: `${who}, ${formatNs(atNs)} into the run${ofLoad}` };
    });
}

/** None of the loops that were watched lives on: nobody took the place of those that ended. */
function isAllGone({ watch }: BaseFacts): boolean {
  const ended = new Set(watch?.record.exits.map(({ pid }) => pid));
  return watch?.record.loops.every((loop) => loop.endNs !== null || ended.has(loop.pid)) ?? false;
}

function asEvidence({ pid, text }: Exit): Evidence {
  return fact('process_ended', pid, 'pid', `A watched process ended: ${text}.`);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
