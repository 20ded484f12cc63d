/**
 * Connects a client's upstream: its addresses one after the other, the next as soon as one fails or does not answer in time,
 * the first that answers wins. RFC 8305, "Happy Eyeballs".
 */
import type { Address } from '../../../base/address.ts';
import { LoopscopeError } from '../../../base/errors.ts';
import { ERRNO } from '../../../kernel/errno.ts';
import type { EventLoop } from '../../../loop/event-loop.ts';
import { DIALLING, type FlowTable } from './flow-table.ts';

/** RFC 8305 section 5, the delay between attempts. */
export const NEXT_ATTEMPT_NS = 250e6;

export type DiallerOptions = {
  loop: Pick<EventLoop, 'connect' | 'close'>;
  table: FlowTable;
  /** For all attempts of one client together. */
  timeoutNs: number;
  onReached(client: number, upstream: number): void;
  /** None was reached; errno of the last that failed, ETIMEDOUT when time was up. */
  onFailed(client: number, errno: number): void;
};

type Race = {
  addresses: readonly Address[];
  next: number;
  attempts: number[];
  errno: number;
  nextAtNs: number;
  giveUpAtNs: number;
};

export class Dialler {
  readonly #options: DiallerOptions;
  /** Clients that wait, in the order in which they began. */
  readonly #races = new Map<number, Race>();

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#races.size;
  }

  dial(client: number, addresses: readonly Address[], nowNs: number): void {
    this.#options.table.state[client] = DIALLING;
    const race = {
      addresses: addresses.length > 1 ? familiesInTurn(addresses) : addresses,
      next: 0,
      attempts: [],
      errno: ERRNO.EHOSTUNREACH,
      nextAtNs: nowNs,
      giveUpAtNs: nowNs + this.#options.timeoutNs,
    };
    this.#races.set(client, race);
    this.#goOn(client, race, nowNs);
  }

  /** A connect of ours ended. */
  connected(attempt: number, errno: number, nowNs: number): void {
    const { table } = this.#options;
    const client = table.peer[attempt]!;
    const race = this.#races.get(client)!;
    race.attempts.splice(race.attempts.indexOf(attempt), 1);
    if (errno === 0) {
      this.forget(client);
      this.#options.onReached(client, attempt);
      return;
    }
    table.close(attempt);
    race.errno = errno;
    race.nextAtNs = nowNs;
    this.#goOn(client, race, nowNs);
  }

  /** The client is gone, or was reached: attempts still under way are given up. */
  forget(client: number): void {
    const race = this.#races.get(client);
    if (!race) return;
    this.#races.delete(client);
    for (const attempt of race.attempts) {
      this.#options.table.close(attempt);
      this.#options.loop.close(attempt);
    }
  }

  /** Once a cycle. Returns in how many ns something is due. */
  turn(nowNs: number): number {
    let dueNs = Number.POSITIVE_INFINITY;
    for (const [client, race] of this.#races) {
      if (nowNs >= race.giveUpAtNs) {
        this.forget(client);
        this.#options.onFailed(client, ERRNO.ETIMEDOUT);
        continue;
      }
      if (nowNs >= race.nextAtNs) this.#goOn(client, race, nowNs);
      dueNs = Math.min(dueNs, race.nextAtNs, race.giveUpAtNs);
    }
    return dueNs - nowNs;
  }

  /** Starts the next attempt; with none left and none under way, that is the end. */
  #goOn(client: number, race: Race, nowNs: number): void {
    const { loop, table } = this.#options;
    while (race.next < race.addresses.length) {
      const address = race.addresses[race.next++]!;
      try {
        const attempt = loop.connect(address);
        table.openAttempt(attempt, client, nowNs);
        race.attempts.push(attempt);
        const isLast = race.next === race.addresses.length;
        race.nextAtNs = isLast ? Number.POSITIVE_INFINITY : nowNs + NEXT_ATTEMPT_NS;
        return;
      } catch (error) {
        // No descriptor or slot is left, or this machine has no such family: the next may still do.
        if (!(error instanceof LoopscopeError)) throw error;
        race.errno = ERRNO.EMFILE;
      }
    }
    race.nextAtNs = Number.POSITIVE_INFINITY;
    if (race.attempts.length > 0) return;
    this.#races.delete(client);
    this.#options.onFailed(client, race.errno);
  }
}

/** The families by turns, beginning with the first's; in their own order otherwise. RFC 8305 section 4. */
export function familiesInTurn(addresses: readonly Address[]): Address[] {
  const isFirstFamily = (address: Address) => isIpv6(address) === isIpv6(addresses[0]!);
  const first = addresses.filter(isFirstFamily);
  const other = addresses.filter((address) => !isFirstFamily(address));
  const mixed: Address[] = [];
  for (let i = 0; mixed.length < addresses.length; i++) {
    if (i < first.length) mixed.push(first[i]!);
    if (i < other.length) mixed.push(other[i]!);
  }
  return mixed;
}

const isIpv6 = (address: Address) => address.kind === 'tcp' && address.host.includes(':');
