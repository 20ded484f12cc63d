/** An arrival process and its parameters, as typed: "gamma:cv=3". */
import { LoopscopeError } from '../../base/errors.ts';
import { nearMiss } from '../../base/input/near-miss.ts';
import { type ArrivalParams, formatParams, parseParams } from '../parameters.ts';
import { ARRIVAL_NAMES, ARRIVALS, type ArrivalName } from './registry.ts';

export type ArrivalSpec = { readonly arrival: ArrivalName; readonly params: ArrivalParams };

/** Reads NAME or NAME:PARAMETERS. Throws USAGE that points at the part at fault. */
export function parseArrival(text: string, option = '--arrival'): ArrivalSpec {
  const colon = text.indexOf(':');
  const name = (colon < 0 ? text : text.slice(0, colon)).trim();
  if (!isArrivalName(name)) throw unknownArrival(name, option);
  const params =
    colon < 0 ? {} : parseParams(ARRIVALS[name].parameters ?? {}, text.slice(colon + 1), `${option} ${name}`);
  return { arrival: name, params };
}

/** As it would be typed; parameters at their default are left out. */
export function formatArrival({ arrival, params }: ArrivalSpec): string {
  const rest = formatParams(ARRIVALS[arrival].parameters ?? {}, params);
  return rest === '' ? arrival : `${arrival}:${rest}`;
}

export function isArrivalName(name: string): name is ArrivalName {
  return (ARRIVAL_NAMES as string[]).includes(name);
}

export function unknownArrival(name: string, option: string): LoopscopeError {
  const near = nearMiss(name, ARRIVAL_NAMES);
  return new LoopscopeError(
    'USAGE',
    `${option}: "${name}" is none of ${ARRIVAL_NAMES.join(', ')}`,
    near === null ? '' : `did you mean ${near}?`,
  );
}
