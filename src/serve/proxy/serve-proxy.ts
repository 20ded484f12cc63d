/** The proxy's face: in this process, or a master with workers, until it is told to stop. */
import type { EventLoop, ListenOptions } from '../../loop/event-loop.ts';
import { chooseBackend } from '../../loop/registry.ts';
import type { ServeReady } from '../ready.ts';
import { dieWithParent, runUntilEnded } from '../run.ts';
import { type MasterControl, superviseWorkers } from '../serve-workers.ts';
import { readStats, type WorkerStats, withRules } from '../stats.ts';
import { privateRow } from '../workers/board.ts';
import { rowCountFor } from '../workers/master.ts';
import { type Placement, takePlace } from '../workers/placement.ts';
import { Accountant, type AccountsFigures } from './accounts/accountant.ts';
import { Books } from './accounts/book-memory.ts';
import { type Quota, quotasOf } from './accounts/quota.ts';
import { ProxyServer } from './proxy.ts';
import { DEFAULT_PROXY_SETTINGS, type ProxySettings } from './proxy-options.ts';
import { reloadUpstreams, startUpstreams, type UpstreamOptions } from './proxy-upstreams.ts';
import type { AccessSettings } from './rules/access.ts';
import type { CheckReport, UpstreamStates } from './upstreams/upstream-service.ts';

export type ServeProxyOptions = Partial<Omit<ProxySettings, 'backend' | 'protocol' | 'upstreamRows'>> &
  Pick<ProxySettings, 'listeners'> &
  UpstreamOptions & {
    backend?: 'auto' | EventLoop['backend'];
    listenOptions?: ListenOptions;
    placement?: Placement;
    /** End when this process, our parent, does. */
    parentPid?: number;
    /** Processes that relay, under a master; without it this one does. */
    workers?: number;
    /** Name of an accept strategy, or 'auto'. */
    accept?: string;
    /** At a reload: what holds from now on, in place. May reject: then nothing changes. Without it workers are replaced. */
    reloadAccess?(): Promise<AccessSettings>;
    /** One line for whoever runs the proxy. */
    onNews?(text: string): void;
    onStatsAsked?(stats: WorkerStats[]): void;
    /** Where users' bytes are written down, and how many each may move. */
    accounts?: { file: string; quotas?: ReadonlyMap<string, Quota> };
    signal: AbortSignal;
    /** Called once, when every listener is open. */
    onReady?(ready: ServeReady, control: ProxyControl): void;
  };

/** `accounts`: what they say now; null: nobody keeps any. */
export type ProxyControl = MasterControl & {
  accounts: (() => AccountsFigures) | null;
  upstreams(): { states: UpstreamStates; checks: CheckReport | null };
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
  /** null when upstreams are not checked. */
  checks: CheckReport | null;
  stats: WorkerStats[];
};

/** Relays until `signal` aborts, then lets connections end for stopTimeoutNs, closes, and removes its socket files. */
export async function serveProxy(options: ServeProxyOptions): Promise<ProxySummary> {
  await using service = await startUpstreams(options);
  const told = {
    ...options,
    upstreamRows: service.place,
    upstreamsNow: () => ({ states: service.states(), checks: service.checkReport() }),
    reloadUpstreams: () => reloadUpstreams(options, service),
  };
  const summary = await keepAccounts(told);
  return { ...summary, checks: service.checkReport() };
}

/** With where the upstreams are. */
type Told = ServeProxyOptions &
  Pick<ProxySettings, 'upstreamRows'> & {
    reloadUpstreams(): Promise<void>;
    upstreamsNow: ProxyControl['upstreams'];
  };
type Relayed = Omit<ProxySummary, 'checks'>;

async function keepAccounts(options: Told): Promise<Relayed> {
  if (!options.accounts) return relay(options, null);
  const { file, quotas = new Map() } = options.accounts;
  const bookCount = options.workers === undefined ? 1 : rowCountFor(options.workers);
  using books = Books.create(bookCount);
  const onNews = options.onNews ?? (() => {});
  const quotaOf = quotasOf(quotas, options.access);
  const accountant = await Accountant.open({ path: file, books, quotaOf, onNews });
  accountant.start();
  try {
    return await relay({ ...options, ...withQuotas(options, quotas, accountant) }, { books, accountant });
  } finally {
    await accountant.end();
  }
}

/** At a reload quotas change with the access settings. */
function withQuotas(
  { reloadAccess }: Told,
  quotas: ReadonlyMap<string, Quota>,
  accountant: Accountant,
): Pick<Told, 'reloadAccess'> {
  if (!reloadAccess) return {};
  return {
    async reloadAccess() {
      const access = await reloadAccess();
      accountant.setQuotas(quotasOf(quotas, access));
      return access;
    },
  };
}

type Kept = { books: Books; accountant: Accountant };

async function relay(options: Told, kept: Kept | null): Promise<Relayed> {
  if (options.workers !== undefined) return relayWithWorkers(options, options.workers, kept);
  if (options.parentPid !== undefined) dieWithParent(options.parentPid);
  if (options.placement) takePlace(options.placement, null);
  const row = privateRow();
  const settings = settingsOf(options, chooseBackend(options.backend ?? 'auto'));
  using proxy = new ProxyServer(settings, row, null, kept ? { book: kept.books.book(0) } : {});
  const addresses = options.listeners.map(({ address }) => proxy.listen(address, options.listenOptions));
  const { backend } = proxy;
  const { pid } = process;
  const stats = () => {
    const state = options.signal.aborted ? 'ended' : 'running';
    const identity = { worker: 0, generation: 1, pid, backend, accept: 'own', state } as const;
    return [withRules(readStats(row, identity), proxy.ruleCounts())];
  };
  const reload = async () => {
    await options.reloadUpstreams();
    try {
      if (!options.reloadAccess) return;
      proxy.change({ ...settings, access: await options.reloadAccess() });
      options.onNews?.('reloaded: it holds for connections to come');
    } catch (error) {
      options.onNews?.(`reload failed: ${(error as Error).message}; everything stays as it is`);
    }
  };
  const upstreams = options.upstreamsNow;
  const control = { stats, reload, pids: () => [], accounts: figuresOf(kept), upstreams };
  options.onReady?.({ pid, backend, addresses, workers: [] }, control);
  await runUntilEnded(proxy, () => {
    if (options.signal.aborted) proxy.end('stop');
  });
  return summaryOf(stats(), proxy.connectionCount);
}

async function relayWithWorkers(options: Told, workers: number, kept: Kept | null): Promise<Relayed> {
  const { onReady, reloadAccess, reloadUpstreams } = options;
  const { stats, cutCount } = await superviseWorkers<ProxySettings>({
    ...options,
    ...(reloadAccess && {
      changedSettings: async (settings) => ({ ...settings, access: await reloadAccess() }),
    }),
    workers,
    accept: options.accept ?? 'auto',
    listen: options.listeners.map(({ address }) => address),
    settings: (backend) => settingsOf(options, backend),
    shared: kept ? [{ name: 'accounts', partCount: kept.books.bookCount, fd: kept.books.fd }] : [],
    onReady(ready, control) {
      const reload = async () => {
        await reloadUpstreams();
        await control.reload();
      };
      onReady?.(ready, { ...control, reload, accounts: figuresOf(kept), upstreams: options.upstreamsNow });
    },
  });
  return summaryOf(stats, cutCount);
}

function figuresOf(kept: Kept | null): ProxyControl['accounts'] {
  return kept && (() => kept.accountant.figures);
}

/** Fills in what was left out. */
function settingsOf(options: Told, backend: EventLoop['backend']): ProxySettings {
  const settings = { ...DEFAULT_PROXY_SETTINGS, backend };
  for (const key of Object.keys(DEFAULT_PROXY_SETTINGS) as (keyof ProxySettings)[]) {
    if (key === 'backend' || key === 'protocol' || options[key] === undefined) continue;
    Object.assign(settings, { [key]: options[key] });
  }
  return settings;
}

function summaryOf(stats: WorkerStats[], cutCount: number): Relayed {
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
