/**
 * Names to addresses: asked of the system once, its answer kept for a few seconds. One look-up a name at a time, however
 * many ask for it, and a limit on all of them.
 */
import { lookup } from 'node:dns/promises';

/** A name's addresses, in the order in which they are to be tried; rejects when it has none. The seam for tests. */
export type Lookup = (name: string) => Promise<string[]>;

/** addresses: perhaps none. busy: too many look-ups are under way. */
export type Resolution = { addresses: readonly string[] } | 'busy';

export type ResolverOptions = {
  lookup: Lookup;
  nowNs: () => number;
  /** Most look-ups under way. */
  limit: number;
  timeoutNs: number;
  keepNs: number;
  /** Calls back after so long, unless it was cleared. */
  setTimer: (call: () => void, ns: number) => { clear(): void };
};

type Kept = { addresses: readonly string[]; untilNs: number };

const MOST_KEPT = 4096;
/** "No such name" is kept for less: it is often mended soon. */
const KEEP_NONE_NS = 1e9;

export class Resolver {
  readonly #options: ResolverOptions;
  /** In the order in which they were put in. */
  readonly #kept = new Map<string, Kept>();
  readonly #underWay = new Map<string, Promise<Resolution>>();
  #underWayCount = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** Those of which nobody waits for the answer any more too: a thread still does. */
  get underWayCount(): number {
    return this.#underWayCount;
  }

  /** At once when the answer is kept. Never rejects. */
  resolve(name: string): Resolution | Promise<Resolution> {
    const { nowNs, limit } = this.#options;
    const kept = this.#kept.get(name);
    if (kept !== undefined && nowNs() < kept.untilNs) return kept;
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    if (this.#underWayCount >= limit) return 'busy';
    const asked = this.#ask(name).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, asked);
    return asked;
  }

  async #ask(name: string): Promise<Resolution> {
    const addresses = await this.#inTime(name);
    const { nowNs, keepNs } = this.#options;
    const keptNs = addresses.length === 0 ? Math.min(keepNs, KEEP_NONE_NS) : keepNs;
    this.#kept.delete(name);
    this.#kept.set(name, { addresses, untilNs: nowNs() + keptNs });
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return { addresses };
  }

  /** Empty when it has none, or none in time. */
  #inTime(name: string): Promise<readonly string[]> {
    const { lookup: ask, timeoutNs, setTimer } = this.#options;
    return new Promise((resolve) => {
      const timer = setTimer(() => resolve([]), timeoutNs);
      this.#underWayCount++;
      ask(name)
        .catch(() => [])
        .then((addresses) => {
          this.#underWayCount--;
          timer.clear();
          resolve(addresses);
        });
    });
  }
}

/** getaddrinfo(3) on Node's own threads, with the hosts file and whatever else the machine is set up to ask. */
export async function systemLookup(name: string): Promise<string[]> {
  const answers = await lookup(name, { all: true, order: 'verbatim' });
  return answers.map(({ address }) => address);
}
