import { formatNs, formatShare } from '../../base/units.ts';
import type { Diagnosis, Finding, SelfCheck } from '../../diagnose/finding.ts';
import type { Run } from '../../record/run.ts';
import { addAccounts, groupTotals } from '../model/stall-account.ts';
import type { StallScenario } from './sample-stalls.ts';

export type DiagnosisOptions = { scenario?: StallScenario; voidRun?: boolean; hostile?: boolean };

/** A diagnosis such as the rules would give of a sample run; its numbers are taken from the run. */
export function sampleDiagnosis(run: Run, options: DiagnosisOptions = {}): Diagnosis {
  const { scenario = 'contended', voidRun = false } = options;
  const verdict = !run.observation?.stalls.length ? healthy(run) : culprit(run, scenario, options.hostile);
  const checks = selfChecks(run, voidRun);
  return {
    verdict,
    contributors: scenario === 'contended' && run.observation ? [contributor()] : [],
    suspectsCleared:
      run.observation === null
        ? []
        : [
            {
              culprit: 'cpu.throttled',
              why: 'no CPU quota on /system.slice/nginx.service: throttled for 0 ns',
            },
            { culprit: 'cpu.steal', why: 'the hypervisor took 0 % of the CPUs’ time' },
            { culprit: 'observer.ptrace', why: 'no tracer is attached to any watched process' },
            {
              culprit: 'client.synchronised',
              why: 'index of dispersion of arrivals 1.0 at 10 ms, as Poisson',
            },
            { culprit: 'memory.major-fault', why: 'no stall saw a major fault' },
          ],
    evidence: verdict.evidence,
    self: {
      verdict: voidRun ? 'VOID' : 'WARN',
      checks,
      couldNotSee: ['hardware counters: instructions and cache misses of a stall'],
    },
  };
}

function culprit(run: Run, scenario: StallScenario, hostile = false): Finding {
  const total = addAccounts(run.observation!.stalls);
  const groups = groupTotals(total);
  const biggest = [...total.parts].sort((a, b) => b.ns - a.ns)[0]!;
  const share = scenario === 'fsync' ? groups.blocked / total.wallNs : biggest.share;
  const who = hostile ? biggest.what : 'stress-ng-cpu';
  const stallCount = total.stallCount;
  if (scenario === 'fsync') {
    return {
      culprit: 'io.fsync',
      share,
      confidence: 'high',
      headline: `nginx (pid 4241) waited ${formatNs(groups.blocked)} in fsync of /var/lib/app/journal.log inside its loop`,
      evidence: [
        {
          metric: 'blocked_in_fsync',
          value: groups.blocked,
          unit: 'ns',
          text: `${stallCount} stalls; ${formatShare(share)} of their time was spent blocked in fsync of /var/lib/app/journal.log.`,
        },
      ],
      advice: [
        'Move the fsync to a thread of its own, or batch it.',
        'Put the journal on a disk of its own.',
      ],
    };
  }
  return {
    culprit: 'cpu.preempted',
    share,
    confidence: 'high',
    headline: `nginx (pid 4242) was pushed off its CPU in the middle of its work by ${who} (pid 991)`,
    evidence: [
      {
        metric: 'run_queue_share',
        value: share,
        unit: 'share',
        text: `${stallCount} stalls lost ${formatNs(total.wallNs)}; for ${formatShare(share)} of it ${who} (pid 991) held the CPU.`,
      },
      {
        metric: 'stall_switches',
        value: 2,
        unit: 'count',
        text: 'In the median stall the loop was switched out 2 times while still runnable.',
      },
      {
        metric: 'cpus_allowed',
        value: '1',
        unit: '',
        text: 'Worker 4242 may run on CPU 1 only, and stress-ng-cpu is pinned to the same one.',
      },
    ],
    advice: [
      'Give stress-ng-cpu another CPU: taskset -p 0x1 991.',
      'Or let it yield: renice 19 991, or a lower cpu.weight for its cgroup.',
    ],
  };
}

function contributor(): Finding {
  return {
    culprit: 'cpu.kernel-thread',
    share: 0.06,
    confidence: 'low',
    headline: 'kernel thread kworker/1:2-ev (pid 47) ran on the same CPU',
    evidence: [],
    advice: [],
  };
}

function healthy(run: Run): Finding {
  return {
    culprit: 'healthy',
    share: 0,
    confidence: run.observation ? 'high' : 'low',
    headline: run.observation
      ? 'no loop was late: no cycle over its budget of 2.00 ms'
      : 'no sign of trouble from outside; nobody watched the server',
    evidence: [],
    advice: [],
  };
}

function selfChecks(run: Run, voidRun: boolean): SelfCheck[] {
  if (run.load === null) {
    return [check('observer-cost', 'PASS', 0.0117, 'CPUs', 0.03, 'the observer used 0.012 CPUs')];
  }
  return [
    voidRun
      ? {
          ...check(
            'client-cpu',
            'VOID',
            0.97,
            'share',
            0.9,
            'client thread 0 was busy 97 % of the time: it measured itself',
          ),
          spoils: ['response', 'service', 'lateness'],
        }
      : check('client-cpu', 'PASS', 0.055, 'share', 0.7, 'the busiest client thread used 5.5 % of a CPU'),
    check('lateness', 'PASS', 0.013, 'share', 0.1, 'lateness p99 is 1.3 % of the response p99'),
    check(
      'arrival-shape',
      'PASS',
      1.02,
      'ratio',
      1.2,
      'index of dispersion 1.02 at 10 ms, Poisson was asked',
    ),
    check('stationarity', 'WARN', 0.21, 'share', 0.05, 'the p99 rose by 21 % over the run'),
    check('littles-law', 'PASS', 0.006, 'share', 0.02, 'in flight differs by 0.6 % from rate × response'),
    check(
      'clock-resolution',
      'SKIP',
      null,
      '',
      null,
      'no timer wait was needed: deadlines were met by spinning',
    ),
  ];
}

function check(
  name: string,
  verdict: SelfCheck['verdict'],
  value: number | null,
  unit: string,
  limit: number | null,
  text: string,
): SelfCheck {
  return { name, verdict, value, unit, limit, text, spoils: [] };
}
