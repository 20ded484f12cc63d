/** From a run to the page's data: every number is formatted here, so that the page and the terminal say the same. */
import { printable } from '../../base/printable.ts';
import { formatNs, formatShare } from '../../base/units.ts';
import type { CulpritId, Diagnosis, Finding } from '../../diagnose/finding.ts';
import type { Run } from '../../record/run.ts';
import { type LatencyRow, latencyRows } from '../model/latency.ts';
import { answeredPerSec } from '../model/load-summary.ts';
import { addAccounts } from '../model/stall-account.ts';
import type { ReportOptions } from '../reporter.ts';
import { costPhrases, environmentRows, unseenPhrases } from '../text/about-run.ts';
import {
  absentPhrase,
  certainty,
  departedPhrase,
  durationPhrase,
  failedPhrase,
  formatQuantile,
  formatRate,
  formatValue,
  formatWhole,
  heldPhrase,
  incompletePhrase,
  plural,
  ratePhrase,
  secondCause,
  sharesLostTime,
  shellWords,
} from '../text/phrases.ts';
import { heatMapOf, spectrumSeries, timelineOf } from './build-charts.ts';
import { limitOf } from './build-limit.ts';
import { replayOf } from './build-replay.ts';
import { stallsOf } from './build-stalls.ts';
import {
  arrivalsTable,
  kindsTable,
  latencyTable,
  loadFacts,
  loopsTable,
  outcomesOf,
  ranInsteadBars,
  stagesTable,
} from './build-tables.ts';
import type { PageData, PageFinding, Tone } from './page-data.ts';

/** Strings longer than this are cut: no sentence of ours is, and a hostile one must not fill the page. */
const TEXT_LENGTH_MAX = 600;

export function buildPage(run: Run, diagnosis: Diagnosis, options: ReportOptions): PageData {
  const { load, observation } = run;
  const rows = load ? latencyRows(load, diagnosis) : [];
  const page: PageData = {
    version: run.header.loopscopeVersion,
    title: titleOf(run),
    subtitle: subtitleOf(run),
    startedAt: new Date(run.header.startedWallMs).toISOString(),
    verdict: findingOf(diagnosis.verdict),
    notices: noticesOf(run, diagnosis, options),
    figures: figuresOf(run, rows),
    contributors: diagnosis.contributors.map(findingOf),
    cleared: diagnosis.suspectsCleared.map(({ culprit, why }) => ({ culprit, why })),
    limit: options.limit ? limitOf(options.limit) : null,
    timeline: timelineOf(run, diagnosis),
    replay: load ? replayOf(load, diagnosis) : null,
    stalls: observation ? stallsOf(observation, run.header.startedWallMs) : null,
    ranInstead: observation ? ranInsteadBars(observation, run.header.selfPids) : [],
    latency: load ? latencyTable(load, rows) : null,
    stages: load ? stagesTable(load, diagnosis) : null,
    kinds: load && !load.replay ? kindsTable(load, diagnosis) : null,
    arrivals: load ? arrivalsTable(load) : null,
    spectrum: load ? spectrumSeries(load, diagnosis) : null,
    heatMap: heatMapOf(run),
    loops: observation ? loopsTable(observation) : null,
    checks: diagnosis.self.checks.map(({ verdict, name, text, value, limit, unit }) => ({
      verdict,
      name,
      text,
      value: value === null ? '–' : formatValue(value, unit),
      limit: limit === null ? '–' : formatValue(limit, unit),
    })),
    selfVerdict: diagnosis.self.verdict,
    outcomes: load ? outcomesOf(load) : [],
    load: load ? loadFacts(load).map(({ term, text }) => ({ term, text: glue(text) })) : [],
    unseen: unseenPhrases(run, diagnosis),
    cost: observation ? costPhrases(observation) : [],
    environment: environmentRows(run, options.runFile),
    command: shellWords(['loopscope', ...run.header.command]),
  };
  return harmless(page);
}

/** Every string of the page as printable text: what cannot steer a terminal should not reorder a page either. */
function harmless<T>(value: T): T {
  if (typeof value === 'string') return printable(value, TEXT_LENGTH_MAX) as T;
  if (Array.isArray(value)) {
    // The long arrays of the charts hold numbers only and need no copy.
    return (typeof value[0] === 'number' ? value : value.map(harmless)) as T;
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, harmless(inner)])) as T;
  }
  return value;
}

/** Keeps a number and its unit on one line. Not for commands: they are there to be copied. */
function glue(text: string): string {
  return text
    .replace(/(\d) (?=(?:ns|µs|ms|s|%|B|[KMGT]iB)(?![\p{L}\p{N}]))/gu, '$1\u00a0')
    .replace(/\((pid|thread) (?=\d)/g, '($1\u00a0');
}

function findingOf(finding: Finding): PageFinding {
  return {
    culprit: finding.culprit,
    tone: toneOf(finding.culprit),
    headline: glue(finding.headline),
    confidence: finding.confidence,
    share: sharesLostTime(finding) ? Math.min(1, finding.share) : 0,
    shareText: formatShare(finding.share),
    evidence: finding.evidence.map((item) => glue(item.text)),
    advice: finding.advice,
  };
}

/** Red is the server's trouble, violet the measurement's own, amber what is not known. */
function toneOf(culprit: CulpritId): Tone {
  if (culprit === 'healthy') return 'good';
  if (culprit === 'unexplained' || culprit === 'wait.timer-slack') return 'warn';
  return culprit.startsWith('client.') || culprit.startsWith('observer.') ? 'void' : 'bad';
}

function titleOf(run: Run): string {
  if (run.load) {
    const { target, proxy } = run.load.plan;
    return proxy ? `${target} through ${proxy.url}` : target;
  }
  const loop = run.observation?.loops[0];
  return loop ? `${loop.comm} (pid ${loop.pid})` : 'a run';
}

function subtitleOf(run: Run): string {
  const parts: string[] = [];
  if (run.load) {
    parts.push(ratePhrase(run.load), heldPhrase(run.load), durationPhrase(run.load));
  } else if (run.observation) {
    parts.push('live traffic', formatNs(run.observation.endNs - run.observation.startNs));
  }
  if (run.observation) parts.push(`${plural(run.observation.loops.length, 'loop')} watched`);
  return parts.join(' · ');
}

function noticesOf(run: Run, diagnosis: Diagnosis, options: ReportOptions): PageData['notices'] {
  const notices: PageData['notices'] = [];
  const second = secondCause(diagnosis);
  if (second) {
    const text = `And ${second.culprit}: ${second.headline} (${certainty(second)}).`;
    notices.push({ tone: toneOf(second.culprit), text });
  }
  for (const { text, why, failed } of options.thresholds ?? []) {
    notices.push({ tone: failed ? 'bad' : 'good', text: `${failed ? 'Failed' : 'Fine'}: ${text}: ${why}.` });
  }
  for (const check of diagnosis.self.checks) {
    if (check.verdict !== 'VOID') continue;
    const spoilt = check.spoils.length > 0 ? ` Withheld: ${check.spoils.join(', ')} times.` : '';
    notices.push({ tone: 'void', text: `VOID: ${check.text}.${spoilt}` });
  }
  const incomplete = incompletePhrase(run);
  if (incomplete) notices.push({ tone: 'warn', text: `Incomplete: ${incomplete}.` });
  const departed = departedPhrase(run);
  if (departed) notices.push({ tone: 'quiet', text: departed });
  const absent = absentPhrase(run);
  if (absent) notices.push({ tone: 'quiet', text: absent });
  return notices;
}

/** The few numbers that everybody looks for first. */
function figuresOf(run: Run, rows: LatencyRow[]): PageData['figures'] {
  const figures: PageData['figures'] = [];
  const { load, observation } = run;
  const response = rows[0];
  if (load && response) {
    const note = response.withheld ? 'withheld' : '';
    for (const name of ['p50', 'p99', 'max'] as const) {
      figures.push({ label: `response ${name}`, value: formatQuantile(response.quantiles[name]), note });
    }
    figures.push({
      label: 'answered',
      value: formatRate(answeredPerSec(load)),
      note: failedPhrase(load),
    });
  }
  if (observation && observation.tier === 'bpf') {
    const total = addAccounts(observation.stalls);
    figures.push({
      label: 'stalls',
      value: formatWhole(observation.stalls.length),
      note: `over ${formatNs(observation.budgetNs)}`,
    });
    if (observation.stalls.length > 0) {
      const longestNs = observation.stalls.reduce((max, stall) => Math.max(max, stall.wallNs), 0);
      figures.push({
        label: 'time stalled',
        value: formatNs(total.wallNs),
        note: `longest ${formatNs(longestNs)}`,
      });
    }
  }
  return figures;
}
