/**
 * A proxy as Prometheus metrics: base units, _total for counters. Labels are few: users up to a limit, which whoever
 * counts them sets, and never destinations. Read when scraped. https://prometheus.io/docs/practices/naming
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { printable } from '../../base/printable.ts';

/** What is told of a proxy, counted since it started. */
export type ProxyFigures = {
  acceptCount: number;
  flowCount: number;
  clientCount: number;
  wrongCount: number;
  refusedCount: number;
  unreachedCount: number;
  timedOutCount: number;
  resetCount: number;
  upBytes: number;
  downBytes: number;
  /** By name: clients that a rule let in, refused, and would have refused had it not been tried out only. */
  rules: ReadonlyMap<string, { allowed: number; refused: number; wouldRefuse: number }>;
  /** How many, by state: up, down, unknown, draining. */
  upstreams: Readonly<Record<string, number>>;
  /** null: upstreams are not checked. */
  checks: { begun: number; failed: number } | null;
  /** null: nobody keeps accounts. */
  accounts: {
    users: ReadonlyMap<
      string,
      { upBytes: number; downBytes: number; connections: number; cutConnections: number }
    >;
    waitingRows: number;
    writtenBatches: number;
    failedWrites: number;
    cutUsers: number;
  } | null;
};

/** Rules with series of their own. */
const RULES_MAX = 100;

type Named = readonly [name: string, help: string, of: (figures: ProxyFigures) => number];

const COUNTERS: readonly Named[] = [
  ['loopscope_proxy_connections_total', 'Clients accepted.', (f) => f.acceptCount],
  ['loopscope_proxy_flows_total', 'Clients connected through to an upstream.', (f) => f.flowCount],
  ['loopscope_proxy_wrong_heads_total', 'Clients that did not speak the protocol.', (f) => f.wrongCount],
  ['loopscope_proxy_refusals_total', 'Clients that may not go where they asked to.', (f) => f.refusedCount],
  ['loopscope_proxy_connect_failures_total', 'Connects to upstreams that failed.', (f) => f.unreachedCount],
  ['loopscope_proxy_timeouts_total', 'Clients that were silent for too long.', (f) => f.timedOutCount],
  ['loopscope_proxy_resets_total', 'Flows that ended with an error of one side.', (f) => f.resetCount],
];

const ACCOUNT_COUNTERS: readonly Named[] = [
  [
    'loopscope_proxy_accounts_writes_total',
    'Batches of accounts written.',
    (f) => f.accounts!.writtenBatches,
  ],
  [
    'loopscope_proxy_accounts_write_failures_total',
    'Tries to write accounts that failed.',
    (f) => f.accounts!.failedWrites,
  ],
];

const ACCOUNT_GAUGES: readonly Named[] = [
  [
    'loopscope_proxy_accounts_waiting_rows',
    'Users and destinations counted in memory and not written yet.',
    (f) => f.accounts!.waitingRows,
  ],
  ['loopscope_proxy_quota_users', 'Users whose quota is used up.', (f) => f.accounts!.cutUsers],
];

export class ProxyMetrics {
  readonly #registry = new Registry();
  readonly #figures: () => ProxyFigures;
  readonly #counters = new Map<string, Counter<string>>();
  readonly #gauges = new Map<string, Gauge<string>>();
  /** What each series was set to: a counter never goes back. */
  readonly #last = new Map<string, number>();

  constructor(version: string, figures: () => ProxyFigures) {
    this.#figures = figures;
    const info = new Gauge({
      name: 'loopscope_build_info',
      help: 'The version of loopscope.',
      labelNames: ['version'],
      registers: [this.#registry],
    });
    info.set({ version }, 1);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  metrics(): Promise<string> {
    const figures = this.#figures();
    for (const [name, help, of] of COUNTERS) this.#count(name, help, {}, of(figures));
    this.#gauge('loopscope_proxy_clients', 'Clients that are here.', figures.clientCount);
    const help = 'Bytes passed on: up from clients, down from upstreams.';
    this.#count('loopscope_proxy_bytes_total', help, { direction: 'up' }, figures.upBytes);
    this.#count('loopscope_proxy_bytes_total', help, { direction: 'down' }, figures.downBytes);
    this.#tellRules(figures);
    this.#tellUpstreams(figures);
    if (figures.accounts) this.#tellAccounts(figures);
    return this.#registry.metrics();
  }

  /** The first rules by name; a configuration may have any number. */
  #tellRules({ rules }: ProxyFigures): void {
    const help = 'Clients by the rule that decided, and how.';
    const tell = (rule: string, outcome: string, value: number) =>
      this.#count('loopscope_proxy_rule_decisions_total', help, { rule, outcome }, value);
    for (const [name, { allowed, refused, wouldRefuse }] of [...rules].slice(0, RULES_MAX)) {
      const rule = printable(name, 100);
      tell(rule, 'allowed', allowed);
      tell(rule, 'refused', refused);
      tell(rule, 'would_refuse', wouldRefuse);
    }
  }

  #tellUpstreams({ upstreams, checks }: ProxyFigures): void {
    for (const [state, count] of Object.entries(upstreams)) {
      this.#gauge('loopscope_proxy_upstreams', 'Upstreams, by what is known of them.', count, { state });
    }
    if (checks === null) return;
    this.#count('loopscope_proxy_checks_total', 'Checks of upstreams begun.', {}, checks.begun);
    this.#count(
      'loopscope_proxy_check_failures_total',
      'Checks of upstreams that failed.',
      {},
      checks.failed,
    );
  }

  #tellAccounts(figures: ProxyFigures): void {
    for (const [name, help, of] of ACCOUNT_COUNTERS) this.#count(name, help, {}, of(figures));
    for (const [name, help, of] of ACCOUNT_GAUGES) this.#gauge(name, help, of(figures));
    for (const [name, usage] of figures.accounts!.users) {
      const user = printable(name, 100);
      const bytes = 'Bytes moved to and from upstreams by a user, by the count of the kernel.';
      this.#count('loopscope_proxy_user_bytes_total', bytes, { user, direction: 'up' }, usage.upBytes);
      this.#count('loopscope_proxy_user_bytes_total', bytes, { user, direction: 'down' }, usage.downBytes);
      const flows = 'Connections to upstreams of a user.';
      this.#count('loopscope_proxy_user_flows_total', flows, { user }, usage.connections);
      const cut = 'Connections of a user that were cut for a quota.';
      this.#count('loopscope_proxy_user_cut_total', cut, { user }, usage.cutConnections);
    }
  }

  #count(name: string, help: string, labels: Record<string, string>, value: number): void {
    let counter = this.#counters.get(name);
    if (!counter) {
      counter = new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
      this.#counters.set(name, counter);
    }
    const series = `${name} ${JSON.stringify(labels)}`;
    const last = this.#last.get(series) ?? 0;
    counter.inc(labels, Math.max(0, value - last));
    this.#last.set(series, Math.max(last, value));
  }

  #gauge(name: string, help: string, value: number, labels: Record<string, string> = {}): void {
    let gauge = this.#gauges.get(name);
    if (!gauge) {
      gauge = new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
      this.#gauges.set(name, gauge);
    }
    gauge.set(labels, value);
  }
}
