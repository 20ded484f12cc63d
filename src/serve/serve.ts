/** The room's face: a server in this process, or a master with workers, until it is told to stop. */
import type { Address } from '../base/address.ts';
import type { EventLoop, ListenOptions } from '../loop/event-loop.ts';
import { chooseBackend } from '../loop/registry.ts';
import { plantFaults } from './faults/schedule.ts';
import type { FaultSpec } from './faults/spec.ts';
import type { ServeReady } from './ready.ts';
import { dieWithParent, runUntilEnded } from './run.ts';
import { Server } from './server.ts';
import { DEFAULT_SETTINGS, type ServerSettings } from './server-options.ts';
import { readStats, type WorkerStats } from './stats.ts';
import { privateRow } from './workers/board.ts';
import { type Placement, takePlace } from './workers/placement.ts';

export type ServeOptions = Partial<Omit<ServerSettings, 'backend'>> & {
  protocol: ServerSettings['protocol'];
  listen: readonly Address[];
  faults?: readonly FaultSpec[];
  backend?: 'auto' | EventLoop['backend'];
  listenOptions?: ListenOptions;
  placement?: Placement;
  /** End when this process, our parent, does. */
  parentPid?: number;
  /** Stops the server in good order. */
  signal: AbortSignal;
  /** Called once, when every listener is open. `stats` reads the counters at any time. */
  onReady?(ready: ServeReady, stats: () => WorkerStats[]): void;
};

export type ServeSummary = {
  requestCount: number;
  badCount: number;
  slowReaderCount: number;
  timedOutCount: number;
  acceptCount: number;
  /** Connections that were still open when their time was over, or when a worker died. */
  cutCount: number;
  /** Hits of each planted fault, by its text. */
  faultHits: Record<string, number>;
  stats: WorkerStats[];
};

/** Serves until `signal` aborts, then answers what is under way, closes, and removes its socket files. */
export async function serve(options: ServeOptions): Promise<ServeSummary> {
  if (options.parentPid !== undefined) dieWithParent(options.parentPid);
  const { placement, listen, listenOptions } = options;
  if (placement) takePlace(placement, null);
  using faults = plantFaults(options.faults ?? []);
  const row = privateRow();
  const settings = settingsOf(options, chooseBackend(options.backend ?? 'auto'));
  using server = new Server(settings, faults, row);
  const addresses = listen.map((address) => server.listen(address, listenOptions));
  const { backend } = server;
  const stats = () => {
    const state = options.signal.aborted ? 'ended' : 'running';
    return [readStats(row, { worker: 0, generation: 1, pid: process.pid, backend, accept: 'own', state })];
  };
  options.onReady?.({ pid: process.pid, backend, addresses, workers: [] }, stats);
  await runUntilEnded(server, () => {
    if (options.signal.aborted) server.end('stop');
  });
  const { counts, acceptCount, connectionCount } = server;
  return {
    ...counts,
    acceptCount,
    cutCount: connectionCount,
    faultHits: server.hitCounts(),
    stats: stats(),
  };
}

/** Fills in what was left out. */
export function settingsOf(
  options: Partial<Omit<ServerSettings, 'backend'>>,
  backend: EventLoop['backend'],
): ServerSettings {
  const settings = { ...DEFAULT_SETTINGS, backend };
  for (const key of Object.keys(DEFAULT_SETTINGS) as (keyof ServerSettings)[]) {
    if (key !== 'backend' && options[key] !== undefined) Object.assign(settings, { [key]: options[key] });
  }
  return settings;
}
