/** A roster and a pool over private memory, on a clock that moves when told. */
import { createFakeClock } from '../../../../base/clock.ts';
import { balanceMethod } from '../balance/registry.ts';
import { type PoolOptions, UpstreamPool } from '../pool/pool.ts';
import { Roster } from '../rows/roster.ts';
import { HEALTH, UpstreamRows } from '../rows/upstream-rows.ts';
import { parseUpstream } from '../upstream-spec.ts';

export type PoolFixture = {
  rows: UpstreamRows;
  roster: Roster;
  pool: UpstreamPool;
  /** Moves the clock and takes turns until nothing is due. */
  pass(ns: number): void;
  /** Picks by name, released when all are made. */
  picks(count: number, key?: (i: number) => number): Map<string, number>;
  /** What a checker would say. */
  judge(name: string, isUp: boolean): void;
};

export function poolFixture(
  names: readonly string[],
  options: Partial<PoolOptions> & { balance?: string; rowCount?: number } = {},
): PoolFixture {
  const { balance = 'round-robin', rowCount = 1024, ...rest } = options;
  const rows = new UpstreamRows(new ArrayBuffer(UpstreamRows.byteLength(rowCount)), rowCount);
  const roster = new Roster(rows);
  for (const name of names) roster.add(parseUpstream(name));
  const clock = createFakeClock();
  const { nowNs } = clock;
  const pool = new UpstreamPool({ rows, method: balanceMethod(balance), seed: 1, ...rest });
  return {
    rows,
    roster,
    pool,
    pass(ns) {
      clock.advanceNs(ns);
      while (pool.turn(nowNs()) === 0);
    },
    picks(count, key = () => 0) {
      const found = new Map<string, number>();
      const open: number[] = [];
      for (let i = 0; i < count; i++) {
        const upstream = pool.pick(key(i), -1);
        const name = upstream < 0 ? 'none' : pool.nameOf(upstream);
        found.set(name, (found.get(name) ?? 0) + 1);
        if (upstream >= 0) open.push(upstream);
      }
      for (const upstream of open) pool.released(upstream);
      return found;
    },
    judge(name, isUp) {
      for (let row = 0; row < rowCount; row++) {
        if (roster.at(row)?.name === name) rows.judge(row, rows.version(row), isUp ? HEALTH.up : HEALTH.down);
      }
    },
  };
}
