/**
 * One worker: a process of its own that serves what its master's listeners bring. It dies with its master, whatever
 * ends that. Run as a script; fork(2) is not to be had, so all that it shares arrives as inherited descriptors.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Address } from '../../base/address.ts';
import { LoopscopeError } from '../../base/errors.ts';
import { ProcessLock } from '../accept/process-lock.ts';
import { ACCEPT_STRATEGIES } from '../accept/registry.ts';
import { plantFaults } from '../faults/schedule.ts';
import { parseFault } from '../faults/spec.ts';
import type { Ending, LoopServer } from '../loop-server.ts';
import { Books } from '../proxy/accounts/book-memory.ts';
import type { ProxyShared } from '../proxy/parts.ts';
import { ProxyServer } from '../proxy/proxy.ts';
import type { ProxySettings } from '../proxy/proxy-options.ts';
import type { RuleCount } from '../proxy/rules/rules.ts';
import { dieWithParent, runUntilEnded } from '../run.ts';
import { Server } from '../server.ts';
import type { ServerSettings } from '../server-options.ts';
import { Board } from './board.ts';
import { type Placement, takePlace } from './placement.ts';

/** What a worker is to be: a server that answers by itself, or a proxy. */
export type WorkerSettings = ServerSettings | ProxySettings;

/** What a worker is told first on its standard input, in one line of JSON. */
export type WorkerOrders = {
  masterPid: number;
  /** Number of the worker, from 0. */
  index: number;
  settings: WorkerSettings;
  accept: string;
  /** As text, for each worker plants its own. */
  faults: string[];
  placement: Placement;
  rowCount: number;
  row: number;
  /** Where the inherited listeners listen, in the order of their descriptors. */
  addresses: Address[];
  /** Memory shared besides the board; its descriptors come behind the listeners'. */
  shared: SharedPart[];
};

/** A piece of shared memory: what it is, and how many parts it has. */
export type SharedPart = { name: 'accounts'; partCount: number };
/** What a proxy's worker is told later, a line each: what holds for connections to come. */
export type WorkerChange = { settings: ProxySettings };

/** What a worker says, one JSON line each. */
export type WorkerReport =
  | { ready: true }
  | { leaving: true }
  | { asksForStats: true }
  | { changed: true }
  | { rules: RuleCount[] }
  | { ended: { cutCount: number; faultHits: Record<string, number> } }
  | { error: { code: string; message: string; hint: string } };

/** Descriptors of a worker. */
export const WORKER_FD = { orders: 0, reports: 3, board: 4, firstListener: 5 } as const;

export const WORKER_SCRIPT: string = fileURLToPath(import.meta.url);

const SIGKILL = 9;

function report(line: WorkerReport): void {
  writeSync(WORKER_FD.reports, `${JSON.stringify(line)}\n`);
}

/** Lines of standard input: orders first, and what comes later. */
class Told {
  readonly #lines = createInterface({ input: process.stdin });
  onMore: (value: unknown) => void = () => {};

  next(): Promise<unknown> {
    return new Promise((resolve) => {
      let take = (value: unknown) => {
        take = (later) => this.onMore(later);
        resolve(value);
      };
      this.#lines.on('line', (line) => take(JSON.parse(line)));
    });
  }
}

/** Counts of rules go through the pipe: how many there are, no row could say. */
const RULES_EVERY_MS = 1000;
let rulesSaidMs = 0;
let rulesSaid = '';

function reportRules(server: LoopServer, isLast: boolean): void {
  if (!(server instanceof ProxyServer)) return;
  const nowMs = performance.now();
  if (!isLast && nowMs - rulesSaidMs < RULES_EVERY_MS) return;
  rulesSaidMs = nowMs;
  const counts = server.ruleCounts();
  const text = JSON.stringify(counts);
  if (text !== rulesSaid) report({ rules: counts });
  rulesSaid = text;
}

async function work(): Promise<void> {
  let wanted: Ending | null = null;
  // A terminal sends SIGINT to all of us: that is the end. SIGTERM to one alone means that it is to be replaced.
  process.on('SIGINT', () => {
    wanted = 'stop';
  });
  process.on('SIGTERM', () => {
    wanted ??= 'leave';
  });
  process.on('SIGHUP', () => {});
  process.on('SIGUSR1', () => report({ asksForStats: true }));
  const told = new Told();
  const orders = (await told.next()) as WorkerOrders;
  dieWithParent(orders.masterPid, SIGKILL);
  takePlace(orders.placement, orders.index);
  const board = Board.inherit(WORKER_FD.board, orders.rowCount);
  const strategy = ACCEPT_STRATEGIES.find(({ name }) => name === orders.accept)!;
  const turns = strategy.takeTurns?.(new ProcessLock(board.lockWords, 0, process.pid)) ?? null;
  using faults = plantFaults(orders.faults.map((text) => parseFault(text)));
  const { settings } = orders;
  const row = board.row(orders.row);
  using server =
    settings.protocol === 'proxy'
      ? new ProxyServer(settings, row, turns, sharedOf(orders))
      : new Server(settings, faults, row, turns);
  for (const [i, address] of orders.addresses.entries()) {
    server.adopt(WORKER_FD.firstListener + i, address, strategy.options);
  }
  report({ ready: true });
  if (server instanceof ProxyServer) {
    told.onMore = (change) => {
      server.change((change as WorkerChange).settings);
      report({ changed: true });
    };
  }
  let hasSaid = false;
  await runUntilEnded(server, () => {
    reportRules(server, false);
    if (wanted === null) return;
    server.end(wanted);
    if (!hasSaid) report({ leaving: true });
    hasSaid = true;
  });
  reportRules(server, true);
  report({ ended: { cutCount: server.connectionCount, faultHits: server.hitCounts() } });
}

function sharedOf({ shared, addresses, row }: WorkerOrders): ProxyShared {
  const index = shared.findIndex(({ name }) => name === 'accounts');
  if (index < 0) return {};
  const fd = WORKER_FD.firstListener + addresses.length + index;
  return { book: Books.inherit(fd, shared[index]!.partCount).book(row) };
}

if (process.argv[1] === WORKER_SCRIPT) {
  try {
    await work();
    process.exit(0);
  } catch (error) {
    const { message } = error as Error;
    const known = error instanceof LoopscopeError;
    report({ error: { code: known ? error.code : 'INTERNAL', message, hint: known ? error.hint : '' } });
    process.exit(1);
  }
}
