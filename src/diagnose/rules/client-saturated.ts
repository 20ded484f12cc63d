import { formatShare } from '../../base/units.ts';
import { clientLimitOf } from '../client/client-limits.ts';
import { reasonAdvice, reasonPhrase, timeEvidence } from '../client/client-reason.ts';
import { type ClientTime, clientTimeOf, isNeverIdle } from '../client/client-time.ts';
import { tallyOf } from '../facts/excess.ts';
import type { WatchFacts } from '../facts/facts.ts';
import type { LoadFacts } from '../facts/load.ts';
import { sumBy } from '../facts/numbers.ts';
import type { SelfCheck } from '../finding.ts';
import { absenceText } from '../hindrances.ts';
import { SHARE } from '../limits.ts';
import { fact, type Rule } from '../rule.ts';
import { plural } from '../words.ts';

/** Self-checks that speak of the client's own capacity. */
const CAPACITY = [
  'client-cpu',
  'client-run-queue',
  'client-throttled',
  'lateness',
  'rate-held',
  'replay-lag',
  'replay-starved',
];

/** Of these, limits of the client's own; the others may as well be the machine's, or the server's. */
const INTRINSIC = ['client-cpu', 'client-throttled'];

/**
 * The load generator, not the server, set the pace. Its numbers then describe itself. What the kernel shows of the
 * server stays true all the same: where loops are shown to be late while the client merely waited, the client's
 * trouble is told beside it.
 */
export const clientSaturated = {
  culprit: 'client.saturated',
  title: 'the load generator was the bottleneck',
  order: 30,
  judge({ load, watch, checks }) {
    if (!load) return null;
    const capacity = checks.filter((check) => CAPACITY.includes(check.name));
    const failed = capacity.filter((check) => check.verdict === 'VOID');
    const limit = clientLimitOf(load);
    if (limit) {
      const evidence = [...limit.evidence, ...failed.map(asEvidence)];
      const { headline, advice } = limit;
      return {
        standing: 'decisive',
        finding: { culprit: 'client.saturated', share: 1, confidence: 'high', headline, evidence, advice },
      };
    }
    if (failed.length === 0) {
      const busy = `the busiest client thread used ${formatShare(load.client.busyShare)} of a CPU`;
      return {
        cleared: load.open
          ? `${busy} and ended ${formatShare(load.achievedShare)} of what was planned`
          : busy,
      };
    }
    const { main, absence } = load.hindrances;
    const time = clientTimeOf(load.record);
    const onlyPool =
      !(time && isNeverIdle(time)) &&
      failed.every((check) => check.name === 'rate-held') &&
      load.poolDry &&
      main !== 'clientAway' &&
      main !== 'suspended';
    const serverLate = watch !== null && isServerLate(watch);
    const intrinsic = failed.some((check) => INTRINSIC.includes(check.name));
    const aside = watch?.saturation.proven || (serverLate && !intrinsic);
    return {
      standing: aside ? 'aside' : 'decisive',
      finding: {
        culprit: 'client.saturated',
        share: 1,
        confidence: failed.length > 1 ? 'high' : 'medium',
        headline: headlineOf(load, onlyPool, time),
        evidence: [...failed.map(asEvidence), ...(time && !onlyPool ? timeEvidence(time, load) : [])],
        advice: adviceFor(
          new Set(failed.map((check) => check.name)),
          load,
          onlyPool,
          main === 'clientAway' && absence !== null,
          time,
        ),
      },
    };
  },
} satisfies Rule;

function headlineOf(load: LoadFacts, onlyPool: boolean, time: ClientTime | null): string {
  const { record } = load;
  const { main, absence } = load.hindrances;
  if (onlyPool) {
    const { connectionCount } = record.plan;
    return `${plural(connectionCount, 'connection')} cannot carry the planned rate: the load waited for more`;
  }
  const describe = 'these numbers describe it, not the server';
  if (main === 'clientAway' && absence) return `${absenceText(record, absence)}: ${describe}`;
  if (main === 'suspended') return `the machine was suspended during the run: ${describe}`;
  const reason = time ? reasonPhrase(time, load) : '';
  return `the load generator could not keep its own schedule${reason && ` (${reason})`}: ${describe}`;
}

/** By a fault that the load does not bring along: crowded turns and workers in each other's way it does. */
function isServerLate({ material, excess }: WatchFacts): boolean {
  const others = tallyOf(excess, 'cpu.contended', 'cpu.preempted').flatMap((tally) => tally.slices);
  const strangersNs = sumBy(others, (slice) => (slice.actor?.kind === 'other' ? slice.ns : 0));
  const byStrangers = strangersNs >= SHARE.primary * sumBy(others, (slice) => slice.ns);
  return material.some((culprit) => {
    if (culprit === 'loop.too-many-events') return false;
    return byStrangers || (culprit !== 'cpu.contended' && culprit !== 'cpu.preempted');
  });
}

function asEvidence(check: SelfCheck) {
  const text = `${check.text.charAt(0).toUpperCase()}${check.text.slice(1)}.`;
  return fact(`self.${check.name}`, check.value ?? '', check.unit, text);
}

function adviceFor(
  failed: ReadonlySet<string>,
  load: LoadFacts,
  onlyPool: boolean,
  stoodStill: boolean,
  time: ClientTime | null,
): string[] {
  const pace = load.replay ? '--speed' : '--rate';
  if (stoodStill) {
    return [
      'find what held the client up then: a stop signal, a debugger, memory written to disk',
      'run it again',
    ];
  }
  if (onlyPool)
    return [`raise --connections, or lower ${pace}`, 'read response times, which include the wait'];
  const advice = new Set(reasonAdvice(time, load, failed));
  if (failed.has('replay-starved')) advice.add('decompress the log first, or read it from a faster disk');
  return [
    ...advice,
    `lower ${pace} until the run is not VOID`,
    'drive from another machine, or from several',
  ];
}
