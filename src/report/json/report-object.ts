/** The JSON report as a plain object. Keys are snake_case, times ns, shares 0 to 1, absent things null. */
import type { Diagnosis, Evidence, Finding } from '../../diagnose/finding.ts';
import type { ThresholdResult } from '../../diagnose/thresholds/threshold.ts';
import type { Run } from '../../record/run.ts';
import type { LimitReport } from '../limit.ts';
import type { ReportOptions } from '../reporter.ts';
import { loadObject } from './load-object.ts';
import { observationObject } from './observation-object.ts';

/** Raised when a reader of the older shape would be misled; new keys do not raise it. */
const REPORT_SCHEMA_VERSION = 1;

export type ReportObject = ReturnType<typeof reportObject>;

export function reportObject(run: Run, diagnosis: Diagnosis, options: ReportOptions) {
  const { header } = run;
  return {
    schema: 'loopscope-report',
    schema_version: REPORT_SCHEMA_VERSION,
    loopscope_version: header.loopscopeVersion,
    mode: header.mode,
    complete: run.complete,
    verdict: findingObject(diagnosis.verdict),
    contributors: diagnosis.contributors.map(findingObject),
    suspects_cleared: diagnosis.suspectsCleared.map(({ culprit, why }) => ({ culprit, why })),
    evidence: diagnosis.evidence.map(evidenceObject),
    self: {
      verdict: diagnosis.self.verdict,
      checks: diagnosis.self.checks.map(
        ({ name, verdict, value, unit, limit, text, spoils, spoilsFrom }) => ({
          name,
          verdict,
          value,
          unit,
          limit,
          text,
          spoils,
          ...(spoilsFrom !== undefined && { spoils_from: spoilsFrom }),
        }),
      ),
      could_not_see: diagnosis.self.couldNotSee,
    },
    thresholds: (options.thresholds ?? []).map(thresholdObject),
    find_limit: options.limit ? limitObject(options.limit) : null,
    load: run.load ? loadObject(run.load, diagnosis) : null,
    observation: run.observation ? observationObject(run.observation, header.selfPids) : null,
    environment: {
      kernel_release: header.environment.kernelRelease,
      arch: header.environment.arch,
      cpu_model: header.environment.cpuModel,
      cpu_count: header.environment.cpuCount,
      memory_bytes: header.environment.memTotalBytes,
      hypervisor: header.environment.hypervisor,
      host_name: header.environment.hostName ?? null,
      clock_source: header.environment.clockSource,
      node_version: header.environment.nodeVersion,
      effective_uid: header.environment.effectiveUid,
    },
    capabilities: header.capabilities.map(({ name, available, reason, hides }) => ({
      name,
      available,
      reason,
      hides,
    })),
    run: {
      command: header.command,
      started_at: new Date(header.startedWallMs).toISOString(),
      watched_pids: header.watchedPids,
      file: options.runFile,
    },
  };
}

function findingObject(finding: Finding) {
  const { culprit, share, confidence, headline, evidence, advice } = finding;
  return { culprit, share, confidence, headline, evidence: evidence.map(evidenceObject), advice };
}

function evidenceObject({ metric, value, unit, text }: Evidence) {
  return { metric, value, unit, text };
}

function thresholdObject({
  text,
  outcome,
  failed,
  value,
  unit,
  limit,
  atLeast,
  low,
  high,
  why,
}: ThresholdResult) {
  return { text, outcome, failed, value, unit, limit, at_least: atLeast, low, high, why };
}

function limitObject({ ended, ratePerSec, failsAtPerSec, relativeWidth, steps, why }: LimitReport) {
  return {
    ended,
    rate_per_sec: ratePerSec,
    fails_at_per_sec: failsAtPerSec,
    relative_width: relativeWidth,
    why,
    steps: steps.map((step) => ({
      rate_per_sec: step.ratePerSec,
      outcome: step.outcome,
      achieved_share: step.achievedShare,
      self: step.self,
      why: step.why,
      goals: step.goals.map(({ text, value, unit, limit, atLeast }) => ({
        text,
        value,
        unit,
        limit,
        at_least: atLeast,
      })),
    })),
  };
}
