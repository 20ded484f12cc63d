/** Everything the rules and self-checks know, computed once from a run. */
import { printable } from '../../base/printable.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import type { Run } from '../../record/run.ts';
import { CULPRITS, type CulpritId, type SelfCheck } from '../finding.ts';
import { isServerStill } from '../hindrances.ts';
import { type AcceptGroup, acceptGroupsOf } from './accept.ts';
import { type ActorBook, actorBook } from './actors.ts';
import { type Excess, excessOf } from './excess.ts';
import { type HostFacts, hostFactsOf, type ThrottleFacts, throttlesOf } from './host.ts';
import { type LoadFacts, loadFactsOf } from './load.ts';
import { type LoopFacts, loopFactsOf } from './loops.ts';
import { weigh } from './material.ts';
import { type SaturationFacts, saturationOf } from './saturation.ts';
import { type ScopeFacts, scopeOf } from './scope.ts';

export type WatchFacts = {
  record: ObservationRecord;
  loops: LoopFacts[];
  host: HostFacts;
  throttles: ReadonlyMap<number, ThrottleFacts>;
  actors: ActorBook;
  excess: Excess;
  scope: ScopeFacts;
  saturation: SaturationFacts;
  /** Listeners and the loops that accept from them; empty when none could be seen. */
  accepting: AcceptGroup[];
  /** Culprits on the server's side with enough lost time to be named. */
  material: CulpritId[];
};

export type BaseFacts = { run: Run; load: LoadFacts | null; watch: WatchFacts | null };

/** What a rule judges: the facts, and what the tool found out about itself. */
export type Facts = BaseFacts & { checks: readonly SelfCheck[] };

export function factsOf(run: Run): BaseFacts {
  const load = run.load ? loadFactsOf(run.load) : null;
  return { run, load, watch: run.observation ? watchFactsOf(run, run.observation, load) : null };
}

/** A socket's path is any bytes, and rules put it in sentences. */
function withPlainAddresses(observation: ObservationRecord): ObservationRecord {
  const { listeners } = observation;
  if (!listeners) return observation;
  return {
    ...observation,
    listeners: listeners.map((listener) => ({ ...listener, address: printable(listener.address, 100) })),
  };
}

function watchFactsOf(run: Run, observation: ObservationRecord, load: LoadFacts | null): WatchFacts {
  const record = withPlainAddresses(observation);
  const loops = loopFactsOf(record);
  const host = hostFactsOf(record);
  const throttles = throttlesOf(record, loops);
  const actors = actorBook(run);
  const excess = excessOf({ observation: record, host, loops, throttles, actors });
  return {
    record,
    loops,
    host,
    throttles,
    actors,
    excess,
    scope: scopeOf(record.stalls, loops),
    saturation: saturationOf(loops, excess, load),
    accepting: acceptGroupsOf(record, loops),
    material: CULPRITS.filter((culprit) => weigh(culprit, excess, loops, record, load)?.material),
  };
}

/** The server, not the client, is shown to have been slow: by silence, a saturated loop or a culprit worth naming. */
export function serverAtFault(facts: BaseFacts): boolean {
  if (facts.load && isServerStill(facts.load.hindrances)) return true;
  return facts.watch !== null && (facts.watch.saturation.proven || facts.watch.material.length > 0);
}
