/** A server of many processes: a master and its workers, until it is told to stop. */
import type { EventLoop } from '../loop/event-loop.ts';
import { chooseAccepting } from './accept/registry.ts';
import type { ProxySettings } from './proxy/proxy-options.ts';
import type { ServeReady } from './ready.ts';
import { dieWithParent } from './run.ts';
import { type ServeOptions, type ServeSummary, settingsOf } from './serve.ts';
import type { ServerSettings } from './server-options.ts';
import type { WorkerStats } from './stats.ts';
import { openListening } from './workers/listening.ts';
import { Master, type MasterOptions } from './workers/master.ts';
import type { WorkerSettings } from './workers/worker-process.ts';

export type ServeWorkersOptions = Omit<ServeOptions, 'onReady'> & {
  workers: number;
  /** Name of an accept strategy, or 'auto'. */
  accept: string;
  /** At a reload: what is different from now on. May throw: then nothing changes. */
  reloadSettings?(): Partial<ServerSettings>;
  /** One line for whoever runs the server. */
  onNews?(text: string): void;
  /** A worker was asked for its counters, by SIGUSR1. */
  onStatsAsked?(stats: WorkerStats[]): void;
  onReady?(ready: ServeReady, control: MasterControl): void;
};

export type MasterControl = {
  stats(): WorkerStats[];
  /** Replaces all workers, new ones first. Resolves when the old ones have been told to go. */
  reload(): Promise<void>;
  pids(): number[];
};

/** Serves until `signal` aborts, then ends the workers in good order and removes its socket files. */
export async function serveWithWorkers(options: ServeWorkersOptions): Promise<ServeSummary> {
  return superviseWorkers({ ...options, settings: (backend) => settingsOf(options, backend) });
}

/** What every kind of server with workers is told: the rest is in their settings. */
export type SuperviseOptions<Settings extends WorkerSettings> = Omit<
  ServeWorkersOptions,
  keyof ServerSettings | 'reloadSettings' | 'backend'
> & {
  backend?: ServeOptions['backend'];
  settings(backend: EventLoop['backend']): Settings;
  reloadSettings?(): Partial<Settings>;
  /** Memory that workers share; none unless said otherwise. */
  shared?: MasterOptions['shared'];
  /** Instead of a reload that replaces the workers: what they go by from now on. May reject: then nothing changes. */
  changedSettings?(settings: Settings): Promise<Settings & ProxySettings>;
};

/** A master and its workers, whatever they are, until `signal` aborts. */
export async function superviseWorkers<Settings extends WorkerSettings>(
  options: SuperviseOptions<Settings>,
): Promise<ServeSummary> {
  if (options.parentPid !== undefined) dieWithParent(options.parentPid);
  const { strategy, backend } = chooseAccepting(options.accept, options.backend ?? 'auto');
  const settings = options.settings(backend);
  const onNews = options.onNews ?? (() => {});
  using listening = openListening(options.listen, options.workers, strategy, options.listenOptions);
  using master = new Master({
    workerCount: options.workers,
    strategy,
    listening,
    settings,
    faults: (options.faults ?? []).map(({ text }) => text),
    placement: options.placement ?? { cpus: [], nice: null },
    shared: options.shared ?? [],
    onNews,
    onStatsAsked: options.onStatsAsked ?? (() => {}),
  });
  await master.start();
  const reload = async () => {
    try {
      if (options.changedSettings) {
        await master.change(await options.changedSettings(settings));
        onNews('reloaded: all workers go by it for connections to come');
        return;
      }
      await master.reload({ ...settings, ...options.reloadSettings?.() } as Settings);
    } catch (error) {
      onNews(`reload failed: ${(error as Error).message}; the workers stay as they are`);
    }
  };
  options.onReady?.(
    { pid: process.pid, backend, addresses: listening.addresses, workers: master.pids },
    { stats: () => master.stats(), reload, pids: () => master.pids },
  );
  await aborted(options.signal);
  await master.stop();
  return summaryOf(master);
}

function summaryOf(master: Master): ServeSummary {
  const { totals } = master;
  return {
    requestCount: totals.requests,
    badCount: totals.bad,
    slowReaderCount: totals.slowReaders,
    timedOutCount: totals.timedOut,
    acceptCount: totals.accepts,
    cutCount: master.cutCount,
    faultHits: master.faultHits,
    stats: master.stats(),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
