import { formatNs } from '../../base/units.ts';
import type { LoadFacts } from '../facts/load.ts';
import { SELF } from '../limits.ts';
import { type Check, EVERY_PERCENTILE, skip } from '../self-check.ts';

/**
 * Response, service and lateness are three clocks on one request: response = lateness + service, on average exactly.
 * Nothing is filled in afterwards, so nothing may be missing or left over.
 */
export const threeClocks = {
  name: 'three-clocks',
  title: 'planned, sent and done fit together',
  judge({ load }) {
    if (!load) return null;
    const backwards = stepsBack(load);
    const base = { unit: 'ns', spoils: EVERY_PERCENTILE };
    if (backwards > 0) {
      const text = `${backwards} of the slowest requests have times that run backwards; please report this`;
      return { ...base, verdict: 'VOID', value: backwards, unit: 'requests', limit: 0, text };
    }
    const { response, service, lateness } = load;
    if (!response || !service || !lateness) return skip('no request was answered');
    if (response.count !== service.count || response.count !== lateness.count) {
      return skip('some requests sent were not answered, so their times are of different requests');
    }
    const sumNs = lateness.meanNs + service.meanNs;
    const offNs = Math.abs(response.meanNs - sumNs);
    const limit = Math.max(SELF.clocksNs, SELF.clocksShare * response.meanNs);
    const text =
      `on average a response took ${formatNs(response.meanNs)}; sent ${formatNs(lateness.meanNs)} late and served ` +
      `in ${formatNs(service.meanNs)}, it should be ${formatNs(sumNs)}`;
    if (offNs <= limit) return { verdict: 'PASS', value: offNs, unit: 'ns', limit, text };
    return { ...base, verdict: 'VOID', value: offNs, limit, text: `${text}; please report this` };
  },
} satisfies Check;

function stepsBack(load: LoadFacts): number {
  return load.record.slowest.filter((outcome) => {
    let lastNs = outcome.plannedNs;
    for (const atNs of [outcome.sentNs, outcome.firstByteNs, outcome.doneNs]) {
      if (atNs === null) continue;
      if (atNs < lastNs) return true;
      lastNs = atNs;
    }
    return false;
  }).length;
}
