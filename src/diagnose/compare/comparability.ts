/** What differs between runs besides what is compared. */
import { printable } from '../../base/printable.ts';
import { formatBytes, formatNs } from '../../base/units.ts';
import type { ProxyRecord } from '../../record/load.ts';
import type { ReplayRecord } from '../../record/replay/replay.ts';
import type { Run } from '../../record/run.ts';
import type { SelfCheck, SelfVerdict } from '../finding.ts';

type Property = readonly [name: string, of: (run: Run) => string | null];

const ns = (value: number | undefined) => (value === undefined ? null : formatNs(value));

const PROPERTIES: readonly Property[] = [
  ['target', (run) => run.load?.plan.target ?? null],
  ['proxy', ({ load }) => (load?.plan.proxy ? proxyText(load.plan.proxy) : null)],
  ['protocol', (run) => run.load?.plan.protocol ?? null],
  ['arrival', (run) => run.load?.plan.arrivalSpec ?? run.load?.plan.arrival ?? null],
  ['stages', (run) => run.load?.plan.stages?.map(({ text }) => text).join(' ') ?? null],
  ['pipelining', (run) => String(run.load?.plan.pipelineDepth ?? 1)],
  ['rate', (run) => (run.load?.plan.ratePerSec ? `${run.load.plan.ratePerSec}/s` : null)],
  ['connections', (run) => text(run.load?.plan.connectionCount)],
  ['client threads', (run) => text(run.load?.plan.threadCount)],
  // That of a run of so many requests is the server's doing.
  ['duration', ({ load }) => (load?.plan.requestLimit == null ? ns(load?.plan.durationNs) : null)],
  ['requests', (run) => text(run.load?.plan.requestLimit ?? undefined)],
  ['warm-up', (run) => ns(run.load?.plan.warmupNs)],
  ['timeout', (run) => ns(run.load?.plan.timeoutNs)],
  ['client back end', (run) => run.load?.plan.backend ?? null],
  ['spinning', (run) => (run.load ? String(run.load.plan.spin ?? false) : null)],
  ['log', ({ load }) => (load?.replay ? logText(load.replay) : null)],
  ['kinds of request', (run) => run.load?.kinds?.map(({ name }) => name).join(' ') ?? null],
  ['kernel', (run) => run.header.environment.kernelRelease],
  ['architecture', (run) => run.header.environment.arch],
  ['CPU', (run) => run.header.environment.cpuModel],
  ['number of CPUs', (run) => text(run.header.environment.cpuCount)],
  ['memory', (run) => formatBytes(run.header.environment.memTotalBytes)],
  ['hypervisor', (run) => run.header.environment.hypervisor],
  ['clock source', (run) => run.header.environment.clockSource],
  ['Node', (run) => run.header.environment.nodeVersion],
  ['loopscope', (run) => run.header.loopscopeVersion],
  ['observer', (run) => run.observation?.tier ?? null],
];

function proxyText({ url, isTunnel }: ProxyRecord): string {
  return isTunnel ? `tunnels of ${url}` : url;
}

function logText({ log, schedule }: ReplayRecord): string {
  const { pace, speed, ratePerSec, from, to } = schedule;
  // Of a log scaled to a rate, the speed is what comes of it.
  const at = pace === 'max' ? 'full speed' : pace === 'rate' ? `${ratePerSec}/s` : `speed ${speed}`;
  return [...log.sources, at, from && `from ${from}`, to && `to ${to}`].filter(Boolean).join(' ');
}

function text(value: number | undefined): string | null {
  return value === undefined ? null : String(value);
}

/** A sentence for each property that is not the same in all runs. */
export function differencesOf(a: readonly Run[], b: readonly Run[]): string[] {
  return PROPERTIES.flatMap(([name, of]) => {
    const inA = valuesOf(a, of);
    const inB = valuesOf(b, of);
    if (inA.length === 1 && inB.length === 1 && inA[0] === inB[0]) return [];
    return `${name}: ${inA.join(' and ')} in A, ${inB.join(' and ')} in B`;
  });
}

function valuesOf(runs: readonly Run[], of: Property[1]): string[] {
  return [...new Set(runs.map((run) => printable(of(run) ?? 'none', 60)))].sort();
}

/** From here on, further runs narrow the interval by little: Student's t is within a third of the normal. */
const ENOUGH_TO_JUDGE_ONE = 8;

/** What weakens a comparison although the runs are alike. */
export function weaknessesOf(
  a: readonly Run[],
  b: readonly Run[],
  selves: readonly { verdict: SelfVerdict; checks: readonly SelfCheck[] }[],
): string[] {
  const runs = [...a, ...b];
  const notes: string[] = [];
  selves.forEach(({ verdict, checks }, index) => {
    if (verdict !== 'VOID') return;
    const name = index < a.length ? `A${index + 1}` : `B${index - a.length + 1}`;
    const failed = checks.filter((check) => check.verdict === 'VOID').map((check) => check.name);
    notes.push(`${name} is VOID (${failed.join(', ')}): its figures are withheld`);
  });
  runs.forEach((run, index) => {
    if (run.complete && !run.load?.stoppedEarly) return;
    notes.push(`${index < a.length ? `A${index + 1}` : `B${index - a.length + 1}`} was cut short`);
  });
  if (a.length < 2 || b.length < 2) {
    const others = Math.max(a.length, b.length);
    if (others > 2 && others < ENOUGH_TO_JUDGE_ONE) {
      notes.push(
        `one run against ${others}: only large differences can be told from chance; ${ENOUGH_TO_JUDGE_ONE} tell smaller ones`,
      );
    }
    return notes;
  }
  if (Math.min(a.length, b.length) < 5) {
    notes.push('fewer than 5 runs a side: only large differences can be told from chance');
  }
  const times = (side: readonly Run[]) => side.map((run) => run.header.startedWallMs);
  const apart =
    Math.max(...times(a)) < Math.min(...times(b)) || Math.max(...times(b)) < Math.min(...times(a));
  if (apart) {
    notes.push(
      'all runs of one side came before the other: what changed on the machine meanwhile looks like a difference; take turns',
    );
  }
  return notes;
}
