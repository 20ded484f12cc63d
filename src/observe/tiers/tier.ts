/** The seam for tiers of watching: what each is given and gives. bpf-watch.ts sees every cycle, proc-tier.ts samples. */
import type { Clock } from '../../base/clock.ts';
import type { LiveListener } from '../../record/live.ts';
import type {
  CycleWindow,
  LoopRecord,
  ObservationRecord,
  ObserverCost,
  Stall,
} from '../../record/observation.ts';
import type { Capability } from '../../record/run.ts';
import type { Arming } from './arming.ts';

export type ObserveOptions = {
  pids: number[];
  clock: Clock;
  /** Fixed stall budget; by default it follows the median cycle (budget.ts). */
  budgetNs?: number;
  windowNs?: number;
  tier?: 'auto' | 'bpf' | 'proc';
  armed?: Arming;
  /** Loopscope's own pids: never watched, and marked among the neighbours. */
  selfPids: number[];
  onStall?: (stall: Stall) => void;
  /** After each poll, some times a second: what else is to be looked at costs no wake-up of its own then. */
  onPoll?: (observation: Pick<Tier, 'allGone'>) => void;
  /** Looks on while it goes on. Addresses are then named at once, at a price, and not after the run. */
  live?: LiveListener;
  /** Asked now and then: the pids that bear the name, hold the port or are in the group by now. */
  findPids?: () => readonly number[];
  /** Share of one CPU that the observer may take; above it, it steps down and says so. */
  cpuBudgetShare?: number;
  /** Size of the ring of stalls, for tests of losses. */
  ringBytes?: number;
};

/** What a tier needs beside what the caller chose. */
export type TierOptions = ObserveOptions & {
  windowNs: number;
  /** CPU that the observer's own thread took so far. */
  ownCpuNs: () => number;
};

/** What a tier gives; the rest of the record is the same for both. */
export type Tier = {
  readonly name: 'bpf' | 'proc';
  readonly capabilities: Capability[];
  poll(): void;
  /** When it asks to be polled next. */
  restMs?(): number;
  hasExited(pid: number): boolean;
  allGone(): boolean;
  /** Those that live. */
  loops(): LoopRecord[];
  finish(): TierResult;
  [Symbol.dispose](): void;
};

export type TierResult = {
  budgetNs: number;
  loops: LoopRecord[];
  windows: CycleWindow[];
  stalls: Stall[];
  exits: { pid: number; atNs: number }[];
  cost: Pick<ObserverCost, 'programs' | 'sampledShare' | 'armedNs' | 'tierChanges'>;
  losses: ObservationRecord['losses'];
};
