/** Sentences about the measurement itself, the same on every output form. */
import { formatBytes, formatNs, formatShare } from '../../base/units.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import type { Run } from '../../record/run.ts';
import { programCpus } from '../model/observer-cost.ts';
import { plural } from './phrases.ts';

/** What the report cannot show, and why. */
export function unseenPhrases(run: Run, diagnosis: Diagnosis): string[] {
  const missing = run.header.capabilities.filter((capability) => !capability.available);
  const phrases = missing.map(({ name, hides, reason }) => `${hides} (no ${name}: ${reason})`);
  const others = diagnosis.self.couldNotSee.filter(
    (text) => !missing.some(({ name, hides }) => hides !== '' && text.includes(hides) && text.includes(name)),
  );
  return [...phrases, ...others];
}

/** What was lost on the way, or null when nothing was. */
function lossesPhrase({ losses }: ObservationRecord): string | null {
  const lost: string[] = [];
  if (losses.ringBufferDrops > 0) lost.push(plural(losses.ringBufferDrops, 'event'));
  if (losses.mapFullDrops > 0) lost.push(`${plural(losses.mapFullDrops, 'record')} for want of map space`);
  if (losses.decodeErrors > 0) lost.push(`${plural(losses.decodeErrors, 'record')} that could not be read`);
  if (losses.stallsNotKept > 0) lost.push(`${plural(losses.stallsNotKept, 'stall')} beyond the limit`);
  return lost.length > 0 ? `LOST: ${lost.join(', ')}` : null;
}

/** Chosen rather than lost: to unwind or name them would cost more than it may. */
function stacksPhrase({ losses }: ObservationRecord): string[] {
  const stacks = losses.stacksNotKept ?? 0;
  const addresses = losses.addressesNotNamed ?? 0;
  return [
    ...(stacks > 0
      ? [`${plural(stacks, 'user stack')} of stalls not kept: more than unwinding may cost`]
      : []),
    ...(addresses > 0
      ? [
          `${plural(addresses, 'address', 'addresses')} of stacks not named: more than that process's files may cost`,
        ]
      : []),
  ];
}

/** What watching cost and lost. */
export function costPhrases(observation: ObservationRecord): string[] {
  const { cost } = observation;
  const own = cost.wallNs >= 1 ? formatShare(cost.ownCpuNs / cost.wallNs) : '–';
  const programs = programCpus(cost);
  const probes =
    programs === null
      ? ''
      : `, probes ${formatShare(programs)} of one CPU (measured in ${formatShare(cost.sampledShare)} of the run)`;
  const armed = cost.armedNs > 0 ? `; scheduler probes armed for ${formatNs(cost.armedNs)}` : '';
  return [
    `observer ${own} of one CPU${probes}${armed}`,
    lossesPhrase(observation) ?? 'nothing was lost',
    ...stacksPhrase(observation),
    ...cost.tierChanges.map(
      ({ atNs, tier, why }) => `tier ${tier} from ${atNs === 0 ? 'the start' : formatNs(atNs)}: ${why}`,
    ),
  ];
}

/** Where, when and with what the run was made. */
export function environmentRows(run: Run, runFile: string | null): { term: string; text: string }[] {
  const { environment, loopscopeVersion, startedWallMs } = run.header;
  const virtual = environment.hypervisor === null ? '' : `, ${environment.hypervisor} guest`;
  const rows = [
    { term: 'Kernel', text: `Linux ${environment.kernelRelease} ${environment.arch}${virtual}` },
    { term: 'CPU', text: `${plural(environment.cpuCount, 'CPU')}, ${environment.cpuModel}` },
    { term: 'Memory', text: formatBytes(environment.memTotalBytes) },
    { term: 'Clock', text: environment.clockSource },
    { term: 'Loopscope', text: `${loopscopeVersion} on Node ${environment.nodeVersion}` },
    { term: 'User', text: environment.effectiveUid === 0 ? 'root' : `uid ${environment.effectiveUid}` },
    { term: 'Started', text: new Date(startedWallMs).toISOString() },
  ];
  if (environment.hostName !== undefined) rows.unshift({ term: 'Host', text: environment.hostName });
  if (runFile !== null) rows.push({ term: 'Run file', text: runFile });
  return rows;
}
