/** The proxy's face: in this process, or a master with workers, until it is told to stop. */
import type { EventLoop, ListenOptions } from '../../loop/event-loop.ts';
import { chooseBackend } from '../../loop/registry.ts';
import type { ServeReady } from '../ready.ts';
import { dieWithParent, runUntilEnded } from '../run.ts';
import { type MasterControl, superviseWorkers } from '../serve-workers.ts';
import { readStats, type WorkerStats } from '../stats.ts';
import { privateRow } from '../workers/board.ts';
import { type Placement, takePlace } from '../workers/placement.ts';
import { ProxyServer } from './proxy.ts';
import { DEFAULT_PROXY_SETTINGS, type ProxySettings } from './proxy-options.ts';

export type ServeProxyOptions = Partial<Omit<ProxySettings, 'backend' | 'protocol'>> &
  Pick<ProxySettings, 'listeners'> & {
    backend?: 'auto' | EventLoop['backend'];
    listenOptions?: ListenOptions;
    placement?: Placement;
    /** End when this process, our parent, does. */
    parentPid?: number;
    /** Processes that relay, under a master; without it this one does. */
    workers?: number;
    /** Name of an accept strategy, or 'auto'. */
    accept?: string;
    /** At a reload: what is different from now on. May throw: then nothing changes. */
    reloadSettings?(): Partial<ProxySettings>;
    /** One line for whoever runs the proxy. */
    onNews?(text: string): void;
    onStatsAsked?(stats: WorkerStats[]): void;
    signal: AbortSignal;
    /** Called once, when every listener is open. */
    onReady?(ready: ServeReady, control: MasterControl): void;
  };

export type ProxySummary = {
  /** Clients that were connected through. */
  flowCount: number;
  acceptCount: number;
  /** Clients whose head was wrong, who may not go where they asked to, who took too long. */
  wrongCount: number;
  refusedCount: number;
  timedOutCount: number;
  /** Connects to upstreams that failed. */
  unreachedCount: number;
  /** Flows that ended with an error of one side. */
  resetCount: number;
  upBytes: number;
  downBytes: number;
  /** Connections that were still open when their time was over, or when a worker died. */
  cutCount: number;
  stats: WorkerStats[];
};

/** Relays until `signal` aborts, then lets connections end for stopTimeoutNs, closes, and removes its socket files. */
export async function serveProxy(options: ServeProxyOptions): Promise<ProxySummary> {
  if (options.workers !== undefined) return serveProxyWithWorkers(options, options.workers);
  if (options.parentPid !== undefined) dieWithParent(options.parentPid);
  if (options.placement) takePlace(options.placement, null);
  const row = privateRow();
  using proxy = new ProxyServer(settingsOf(options, chooseBackend(options.backend ?? 'auto')), row);
  const addresses = options.listeners.map(({ address }) => proxy.listen(address, options.listenOptions));
  const { backend } = proxy;
  const { pid } = process;
  const stats = () => {
    const state = options.signal.aborted ? 'ended' : 'running';
    return [readStats(row, { worker: 0, generation: 1, pid, backend, accept: 'own', state })];
  };
  const control = { stats, reload: async () => {}, pids: () => [] };
  options.onReady?.({ pid, backend, addresses, workers: [] }, control);
  await runUntilEnded(proxy, () => {
    if (options.signal.aborted) proxy.end('stop');
  });
  return summaryOf(stats(), proxy.connectionCount);
}

async function serveProxyWithWorkers(options: ServeProxyOptions, workers: number): Promise<ProxySummary> {
  const { stats, cutCount } = await superviseWorkers<ProxySettings>({
    ...options,
    workers,
    accept: options.accept ?? 'auto',
    listen: options.listeners.map(({ address }) => address),
    settings: (backend) => settingsOf(options, backend),
  });
  return summaryOf(stats, cutCount);
}

/** Fills in what was left out. */
function settingsOf(options: ServeProxyOptions, backend: EventLoop['backend']): ProxySettings {
  const settings = { ...DEFAULT_PROXY_SETTINGS, backend };
  for (const key of Object.keys(DEFAULT_PROXY_SETTINGS) as (keyof ProxySettings)[]) {
    if (key === 'backend' || key === 'protocol' || options[key] === undefined) continue;
    Object.assign(settings, { [key]: options[key] });
  }
  return settings;
}

function summaryOf(stats: WorkerStats[], cutCount: number): ProxySummary {
  const sum = (pick: (row: WorkerStats) => number) => stats.reduce((total, row) => total + pick(row), 0);
  return {
    flowCount: sum((row) => row.requests),
    acceptCount: sum((row) => row.accepts),
    wrongCount: sum((row) => row.bad),
    refusedCount: sum((row) => row.proxy?.refused ?? 0),
    timedOutCount: sum((row) => row.timedOut),
    unreachedCount: sum((row) => row.proxy?.unreached ?? 0),
    resetCount: sum((row) => row.proxy?.resets ?? 0),
    upBytes: sum((row) => row.proxy?.upBytes ?? 0),
    downBytes: sum((row) => row.proxy?.downBytes ?? 0),
    cutCount,
    stats,
  };
}
