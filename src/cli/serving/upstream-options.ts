/** `serve proxy`: where its upstreams come from, and how they are checked. */
import { type Command, Option } from 'commander';
import { LoopscopeError } from '../../base/errors.ts';
import type { Ns } from '../../base/units.ts';
import type { BALANCE_METHODS } from '../../serve/proxy/upstreams/balance/registry.ts';
import { type CheckSettings, DEFAULT_CHECKS } from '../../serve/proxy/upstreams/checks/check-settings.ts';
import { count, duration } from './process-options.ts';

export type UpstreamFlags = {
  upstreams?: string;
  admin?: string;
  balance: (typeof BALANCE_METHODS)[number]['name'];
  slowStart?: Ns;
  check?: string;
  checkEvery?: Ns;
  checkTimeout?: Ns;
  checkRise?: number;
  checkFall?: number;
  mostChecks?: number;
  checks?: 'spread' | 'synchronised';
};

export function addUpstreamOptions(command: Command): void {
  command
    .option('--upstreams <file>', 'more upstreams, one a line: address [weight=N]; read again on SIGHUP')
    .option('--admin <path>', 'Unix socket to list, add, remove, weigh and drain upstreams')
    .option('--slow-start <time>', 'until a new upstream has its whole share', duration('--slow-start'))
    .option('--check <how>', 'check upstreams: tcp, http or http:/path=STATUS')
    .option('--check-every <time>', 'each of them, ± 10 %', duration('--check-every'))
    .option('--check-timeout <time>', 'for an answer', duration('--check-timeout'))
    .option('--check-rise <count>', 'good checks in a row until it is up', count('--check-rise', 1, 100))
    .option('--check-fall <count>', 'failed checks in a row until it is down', count('--check-fall', 1, 100))
    .option('--most-checks <count>', 'checks under way at once', count('--most-checks', 1, 20_000))
    .addOption(
      new Option('--checks <when>', 'synchronised: all at once, to see what that does').choices([
        'spread',
        'synchronised',
      ]),
    );
}

/** What the flags ask for besides upstreams that are named one by one. Throws USAGE. */
export function upstreamSources(flags: UpstreamFlags): {
  upstreamFile?: string;
  adminPath?: string;
  slowStartNs?: number;
  checks?: CheckSettings;
} {
  const checks = checksOf(flags);
  return {
    ...(flags.upstreams !== undefined && { upstreamFile: flags.upstreams }),
    ...(flags.admin !== undefined && { adminPath: flags.admin }),
    ...(flags.slowStart !== undefined && { slowStartNs: flags.slowStart }),
    ...(checks !== null && { checks }),
  };
}

function checksOf(flags: UpstreamFlags): CheckSettings | null {
  const { check, checkEvery, checkTimeout, checkRise, checkFall, mostChecks, checks } = flags;
  if (check === undefined) {
    const idle = ['checkEvery', 'checkTimeout', 'checkRise', 'checkFall', 'mostChecks', 'checks'] as const;
    if (idle.every((flag) => flags[flag] === undefined)) return null;
    throw new LoopscopeError(
      'USAGE',
      'nobody is checked: --check says how',
      'add --check tcp or --check http',
    );
  }
  const intervalNs = checkEvery ?? DEFAULT_CHECKS.intervalNs;
  if (intervalNs < 100e6) {
    throw new LoopscopeError('USAGE', '--check-every is below 100ms', 'for instance --check-every 5s');
  }
  return {
    ...DEFAULT_CHECKS,
    ...kindOf(check),
    intervalNs,
    timeoutNs: Math.min(checkTimeout ?? DEFAULT_CHECKS.timeoutNs, intervalNs),
    rise: checkRise ?? DEFAULT_CHECKS.rise,
    fall: checkFall ?? DEFAULT_CHECKS.fall,
    mostUnderWay: mostChecks ?? DEFAULT_CHECKS.mostUnderWay,
    synchronised: checks === 'synchronised',
    seed: process.pid,
  };
}

/** "tcp", "http", "http:/health", "http:/health=204". */
function kindOf(text: string): Pick<CheckSettings, 'kind' | 'path' | 'expectedStatus'> {
  const match = /^(?:(tcp)|http(?::(\/[!-~]{0,255}?))?(?:=([1-5]\d\d))?)$/.exec(text);
  if (!match) {
    throw new LoopscopeError(
      'USAGE',
      `--check: "${text}" is no check`,
      'tcp, http, or for instance http:/health=200',
    );
  }
  const [, tcp, path = DEFAULT_CHECKS.path, status] = match;
  return { kind: tcp ?? 'http', path, expectedStatus: Number(status ?? DEFAULT_CHECKS.expectedStatus) };
}
