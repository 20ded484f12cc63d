import type { Arrival } from './arrival.ts';
import { closed } from './closed.ts';
import { constant } from './constant.ts';
import { gamma } from './gamma.ts';
import { jitter } from './jitter.ts';
import { onoff } from './onoff.ts';
import { poisson } from './poisson.ts';
import { synced } from './synced.ts';

const ALL = { poisson, constant, gamma, jitter, onoff, synced, closed };

export type ArrivalName = keyof typeof ALL;

/** Every arrival process, by name. */
export const ARRIVALS: Readonly<Record<ArrivalName, Arrival>> = ALL;

export const ARRIVAL_NAMES = Object.keys(ALL) as ArrivalName[];
