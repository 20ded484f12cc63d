/** Who has kept a proxy waiting for too long: all connections are looked over a few times a second. */
// Invariants
//  O1  look() allocates nothing.
import { type FlowTable, HEAD, LAST_WORDS, RELAYING } from './flow-table.ts';

export type OverdueOptions = {
  table: FlowTable;
  headTimeoutNs: number;
  idleTimeoutNs: number;
  /** Has not said where it wants to go. */
  onLateHead(client: number): void;
  /** Neither side has sent anything. */
  onIdle(client: number): void;
  /** Does not take what is left for it. */
  onLateLastWords(conn: number): void;
  /** Every look, for each flow that relays. */
  onFlow(client: number): void;
};

const LOOK_NS = 250e6;
const SHORTEST_LOOK_NS = 10e6;

export class Overdue {
  readonly #options: OverdueOptions;
  readonly #lookEveryNs: number;
  #nextLookNs = 0;

  constructor(options: OverdueOptions) {
    this.#options = options;
    const shortestNs = Math.min(options.headTimeoutNs, options.idleTimeoutNs) / 8;
    this.#lookEveryNs = Math.min(LOOK_NS, Math.max(SHORTEST_LOOK_NS, shortestNs));
  }

  /** Once a cycle. Returns in how many ns it is to be called again at the latest. */
  look(nowNs: number): number {
    if (nowNs < this.#nextLookNs) return this.#nextLookNs - nowNs;
    this.#nextLookNs = nowNs + this.#lookEveryNs;
    const { table, headTimeoutNs, idleTimeoutNs } = this.#options;
    for (let conn = 0; conn < table.end; conn++) {
      const state = table.state[conn]!;
      if (state === RELAYING) {
        this.#lookAtFlow(conn, nowNs);
      } else if (state === HEAD) {
        if (nowNs - table.activeNs[conn]! > headTimeoutNs) this.#options.onLateHead(conn);
      } else if (state === LAST_WORDS) {
        if (nowNs - table.activeNs[conn]! > idleTimeoutNs) this.#options.onLateLastWords(conn);
      }
    }
    return this.#lookEveryNs;
  }

  #lookAtFlow(client: number, nowNs: number): void {
    const { table, idleTimeoutNs } = this.#options;
    const activeNs = Math.max(table.activeNs[client]!, table.activeNs[table.peer[client]!]!);
    if (nowNs - activeNs > idleTimeoutNs) this.#options.onIdle(client);
    else this.#options.onFlow(client);
  }
}
