/** What is counted of the requests that are handed on. */

import { ROUTE_LIMIT } from '../replay-request.ts';
import { METHOD_LIMIT, type Methods } from '../select/methods.ts';
import { DistinctCount } from './distinct-count.ts';
import { RateCurve } from './rate-curve.ts';

/** A table of so many takes 16 MiB. */
const CLIENT_LIMIT = 1_000_000;
const STATUS_LIMIT = 1000;

export class Survey {
  readonly curve: RateCurve = new RateCurve();
  readonly clients: DistinctCount = new DistinctCount(CLIENT_LIMIT);
  readonly unsafe: Float64Array = new Float64Array(METHOD_LIMIT);
  readonly #methods: Float64Array = new Float64Array(METHOD_LIMIT);
  readonly #statuses: Float64Array = new Float64Array(STATUS_LIMIT);
  readonly #routes: Float64Array = new Float64Array(ROUTE_LIMIT);

  add(
    startNs: number,
    method: number,
    status: number,
    route: number,
    client: number,
    inCurve: boolean,
  ): void {
    if (inCurve) this.curve.add(startNs);
    this.clients.add(client);
    this.#methods[method]!++;
    this.#statuses[Math.min(STATUS_LIMIT - 1, status)]!++;
    this.#routes[route]!++;
  }

  methods(names: Methods): { method: string; count: number }[] {
    return named(this.#methods, names);
  }

  unsafeMethods(names: Methods): { method: string; count: number }[] {
    return named(this.unsafe, names);
  }

  statuses(): { status: number; count: number }[] {
    return [...this.#statuses.entries()]
      .map(([status, count]) => ({ status, count }))
      .filter(({ count }) => count > 0);
  }

  routes(names: readonly string[]): { name: string; count: number }[] {
    return names.map((name, route) => ({ name, count: this.#routes[route]! }));
  }
}

function named(counts: Float64Array, names: Methods): { method: string; count: number }[] {
  return [...counts.entries()]
    .map(([number, count]) => ({ method: names.nameOf(number), count }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}
