/** A proxy's accounts, quotas and metrics: from the command line to what the proxy is told. */
import type { Command } from 'commander';
import { LoopscopeError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { ProxyFigures } from '../../report/prometheus/proxy-metrics.ts';
import { parseByteCount } from '../../serve/faults/spec.ts';
import type { Quota } from '../../serve/proxy/accounts/quota.ts';
import type { ProxyControl, ServeProxyOptions } from '../../serve/proxy/serve-proxy.ts';
import type { WorkerStats } from '../../serve/stats.ts';
import { VERSION } from '../../version.ts';
import { type MetricsServer, serveMetrics } from '../metrics-server.ts';

export type AccountsFlags = { accounts?: string; quota: string[]; prometheus?: string | true };

const EXAMPLE = 'write --quota alice=10GB/day, /month or /total; * for each user without one';

export function addAccountsOptions(command: Command): void {
  command
    .option('--accounts <file>', 'write down what each user moves, and where to: a SQLite file')
    .option('--quota <user=size/time...>', 'cut a user who moved so much: alice=10GB/day, *=1TB/month', [])
    .option('--prometheus [address]', 'answer GET /metrics there; 127.0.0.1:9435 by default');
}

export function accountsOf(flags: AccountsFlags): Pick<ServeProxyOptions, 'accounts'> {
  if (flags.accounts === undefined) {
    if (flags.quota.length === 0) return {};
    throw new LoopscopeError('USAGE', '--quota needs accounts to count in', 'add --accounts accounts.db');
  }
  return {
    accounts: { file: flags.accounts, quotas: parseQuotas(flags.quota) },
  };
}

/** "alice=10GB/day" and the like, several for one user too. Throws USAGE. */
export function parseQuotas(texts: readonly string[]): Map<string, Quota> {
  const quotas = new Map<string, Quota>();
  for (const text of texts) {
    const match = /^(.+)=([^=/]+)\/(day|month|total)$/.exec(text);
    if (!match) {
      throw new LoopscopeError('USAGE', `--quota: "${printable(text, 100)}" is no quota`, EXAMPLE);
    }
    const [, user, size, period] = match as unknown as [string, string, string, 'day' | 'month' | 'total'];
    quotas.set(user, { ...quotas.get(user), [`${period}Bytes`]: parseByteCount(size, '--quota') });
  }
  return quotas;
}

/** Answers scrapes until it is disposed; `control` is null until the proxy listens. Throws USAGE for a bad address. */
export async function serveProxyMetrics(
  address: string | true,
  control: () => ProxyControl | null,
): Promise<MetricsServer> {
  const { ProxyMetrics } = await import('../../report/prometheus/proxy-metrics.ts');
  const metrics = new ProxyMetrics(VERSION, () => figuresOf(control()));
  return serveMetrics(address === true ? '' : address, metrics);
}

function figuresOf(control: ProxyControl | null): ProxyFigures {
  const rows = control?.stats() ?? [];
  const upstreams = control?.upstreams();
  const sum = (pick: (row: WorkerStats) => number) => rows.reduce((all, row) => all + pick(row), 0);
  return {
    acceptCount: sum((row) => row.accepts),
    flowCount: sum((row) => row.requests),
    clientCount: sum((row) => (row.state === 'ended' ? 0 : row.connections)),
    wrongCount: sum((row) => row.bad),
    refusedCount: sum((row) => row.proxy?.refused ?? 0),
    unreachedCount: sum((row) => row.proxy?.unreached ?? 0),
    timedOutCount: sum((row) => row.timedOut),
    resetCount: sum((row) => row.proxy?.resets ?? 0),
    upBytes: sum((row) => row.proxy?.upBytes ?? 0),
    downBytes: sum((row) => row.proxy?.downBytes ?? 0),
    rules: rulesOf(rows),
    upstreams: upstreams?.states ?? {},
    checks: upstreams?.checks ?? null,
    accounts: control?.accounts?.() ?? null,
  };
}

/** The counts of all workers, rule by rule. */
function rulesOf(rows: readonly WorkerStats[]): ProxyFigures['rules'] {
  const sums = new Map<string, { allowed: number; refused: number; wouldRefuse: number }>();
  for (const { rule, allowed, refused, wouldRefuse } of rows.flatMap((row) => row.proxy?.rules ?? [])) {
    const sum = sums.get(rule) ?? { allowed: 0, refused: 0, wouldRefuse: 0 };
    sum.allowed += allowed;
    sum.refused += refused;
    sum.wouldRefuse += wouldRefuse;
    sums.set(rule, sum);
  }
  return sums;
}
