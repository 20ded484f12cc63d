/**
 * What a row of results makes of an upstream: down after `fall` failed checks in a row, up after `rise` good ones. The
 * first result of all decides at once: nobody waits for three checks of an upstream that was never there.
 */
import { HEALTH, type Health } from '../rows/upstream-rows.ts';

export class RiseFall {
  readonly #rise: number;
  readonly #fall: number;
  readonly #health: Uint8Array;
  /** Results in a row that speak against it. */
  readonly #against: Uint8Array;

  /** `limit`: slots are below it. rise and fall: 1 to 100. */
  constructor(limit: number, rise: number, fall: number) {
    this.#rise = rise;
    this.#fall = fall;
    this.#health = new Uint8Array(limit);
    this.#against = new Uint8Array(limit);
  }

  healthOf(slot: number): Health {
    return this.#health[slot] as Health;
  }

  /** A slot is another's from now on. */
  forget(slot: number): void {
    this.#health[slot] = HEALTH.unknown;
    this.#against[slot] = 0;
  }

  /** Takes a result in. Returns whether the slot's health is another now. */
  result(slot: number, isGood: boolean): boolean {
    const health = this.#health[slot]!;
    const said = isGood ? HEALTH.up : HEALTH.down;
    if (health === said) {
      this.#against[slot] = 0;
      return false;
    }
    const needed = health === HEALTH.unknown ? 1 : isGood ? this.#rise : this.#fall;
    if (++this.#against[slot]! < needed) return false;
    this.#against[slot] = 0;
    this.#health[slot] = said;
    return true;
  }
}
