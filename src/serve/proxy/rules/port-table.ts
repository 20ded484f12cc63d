/** Which rules hold for which ports of one destination: ranges cut into pieces, found by binary search. */
// Invariants
//  P1  find() allocates nothing.
import { type Match, NO_RULE, type RuleEffect } from './match.ts';

/** Both ends are within it. */
export type PortRange = { first: number; last: number };

export const ALL_PORTS: readonly PortRange[] = [{ first: 1, last: 65_535 }];

export type PortRule = { rule: number; effect: RuleEffect; ports: readonly PortRange[] };

const EFFECTS: readonly RuleEffect[] = ['allow', 'refuse', 'trial', 'unlisted'];

export class PortTable {
  readonly #starts: Int32Array;
  /** A rule for each effect and piece, or NO_RULE. */
  readonly #rules: Int32Array;

  constructor(rules: readonly PortRule[]) {
    const cuts = new Set([0]);
    for (const { ports } of rules) for (const { first, last } of ports) cuts.add(first).add(last + 1);
    this.#starts = Int32Array.from(cuts).sort();
    this.#rules = new Int32Array(this.#starts.length * EFFECTS.length).fill(NO_RULE);
    for (const { rule, effect, ports } of rules) {
      const column = EFFECTS.indexOf(effect);
      for (const { first, last } of ports) {
        for (let i = this.#pieceOf(first); i < this.#starts.length && this.#starts[i]! <= last; i++) {
          const at = i * EFFECTS.length + column;
          this.#rules[at] = Math.min(this.#rules[at]!, rule);
        }
      }
    }
  }

  /** Adds to `into` what holds for the port. */
  find(port: number, into: Match): void {
    const at = this.#pieceOf(port) * EFFECTS.length;
    const rules = this.#rules;
    into.allow = Math.min(into.allow, rules[at]!);
    into.refuse = Math.min(into.refuse, rules[at + 1]!);
    into.trial = Math.min(into.trial, rules[at + 2]!);
    into.unlisted = Math.min(into.unlisted, rules[at + 3]!);
  }

  #pieceOf(port: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#starts[middle]! > port) high = middle - 1;
      else low = middle;
    }
    return low;
  }
}

/** Reads "443" or "8000-8100"; null when it is neither. */
export function parsePorts(text: string): PortRange | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return null;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : null;
}
