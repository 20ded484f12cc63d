/** Replies against the log: what it says of each, and what came. */
import { ROUTE_LIMIT } from '../../plan/replay/replay-request.ts';
import { bucketOf, HISTOGRAM_BUCKETS } from '../../record/histogram.ts';
import type { ReplyParser } from '../../wire/codec.ts';
import type { Expectation } from '../flight/expectation.ts';
import type { Slots } from './slots.ts';

/** Different statuses told apart, on either side; further ones count as not known. */
const STATUS_LIMIT = 128;

/** Of one thread; structured-clonable. */
export type ExpectedTally = {
  /** [as logged, as it came, count]; a status not known is 0. */
  statusMatrix: [logged: number, came: number, count: number][];
  sizes: {
    equal: number;
    larger: number;
    smaller: number;
    unknown: number;
    moreBytes: number;
    fewerBytes: number;
  };
  /** By route: bucket counts of how long the log says that answered requests took; null where it tells of none. */
  logged: (Float64Array | null)[];
};

export class Expected implements Expectation {
  readonly #slots: Slots;
  readonly #indexOf = new Uint8Array(1000);
  readonly #statuses = new Uint16Array(STATUS_LIMIT);
  #statusCount = 1;
  // Doubles, as all counts of a whole run: a long one has more than 2^32 requests.
  readonly #matrix = new Float64Array(STATUS_LIMIT * STATUS_LIMIT);
  readonly #sizes = new Float64Array(6);
  readonly #logged: Float64Array;
  readonly #hasLogged = new Uint8Array(ROUTE_LIMIT);
  #measuredFromNs = Number.NEGATIVE_INFINITY;

  constructor(slots: Slots) {
    this.#slots = slots;
    this.#logged = new Float64Array(ROUTE_LIMIT * HISTOGRAM_BUCKETS);
  }

  /** Times as logged are kept of requests due from then on, as those measured are. */
  begin(measuredFromNs: number): void {
    this.#measuredFromNs = measuredFromNs;
  }

  /** A reply is as it should be when its status is that of the log, or no error. */
  judge(slot: number, parser: ReplyParser): string | null {
    const { status } = parser;
    const logged = this.#slots.loggedStatus[slot]!;
    this.#matrix[this.#index(logged) * STATUS_LIMIT + this.#index(status)]!++;
    this.#size(this.#slots.loggedBytes[slot]!, parser);
    const loggedNs = this.#slots.loggedNs[slot]!;
    if (loggedNs >= 0 && this.#slots.plannedNs[slot]! >= this.#measuredFromNs) {
      const route = this.#slots.requests.kindOf[slot]!;
      this.#hasLogged[route] = 1;
      this.#logged[route * HISTOGRAM_BUCKETS + bucketOf(loggedNs)]!++;
    }
    return status < 400 || status === logged ? null : '';
  }

  tally(): ExpectedTally {
    const statusMatrix: ExpectedTally['statusMatrix'] = [];
    for (let row = 0; row < this.#statusCount; row++) {
      for (let column = 0; column < this.#statusCount; column++) {
        const count = this.#matrix[row * STATUS_LIMIT + column]!;
        if (count > 0) statusMatrix.push([this.#statuses[row]!, this.#statuses[column]!, count]);
      }
    }
    const [equal, larger, smaller, unknown, moreBytes, fewerBytes] = this.#sizes as unknown as number[];
    return {
      statusMatrix,
      sizes: {
        equal: equal!,
        larger: larger!,
        smaller: smaller!,
        unknown: unknown!,
        moreBytes: moreBytes!,
        fewerBytes: fewerBytes!,
      },
      logged: Array.from(this.#hasLogged, (has, route) =>
        has === 1 ? this.#logged.slice(route * HISTOGRAM_BUCKETS, (route + 1) * HISTOGRAM_BUCKETS) : null,
      ),
    };
  }

  #index(status: number): number {
    if (status <= 0 || status >= 1000) return 0;
    const known = this.#indexOf[status]!;
    if (known > 0 || this.#statusCount === STATUS_LIMIT) return known;
    this.#statuses[this.#statusCount] = status;
    this.#indexOf[status] = this.#statusCount;
    return this.#statusCount++;
  }

  /** Some servers log a chunked body with its chunk sizes, others without: either is the same body. */
  #size(logged: number, { bodyBytes = -1, bodyWireBytes = -1 }: ReplyParser): void {
    const sizes = this.#sizes;
    if (logged < 0 || bodyBytes < 0) sizes[3]!++;
    else if (logged === bodyBytes || logged === bodyWireBytes) sizes[0]!++;
    else if (bodyBytes > logged) {
      sizes[1]!++;
      sizes[4]! += bodyBytes - logged;
    } else {
      sizes[2]!++;
      sizes[5]! += logged - bodyBytes;
    }
  }
}
