/**
 * The library: the same nouns as the command line.
 *
 *     import { doctor } from 'loopscope';
 *     const { diagnosis } = await doctor({ target: 'http://127.0.0.1:8080/', pid: 1234, ratePerSec: 2000 });
 *     console.log(diagnosis.verdict.culprit, diagnosis.verdict.headline);
 */
export { parseTarget, type Target } from './base/address.ts';
export { ERROR_CODES, type ErrorCode, EXIT, LoopscopeError } from './base/errors.ts';
export { compareRuns, isWorse } from './diagnose/compare/compare-runs.ts';
export type { ComparedFigure, Comparison } from './diagnose/compare/comparison.ts';
export { diagnose } from './diagnose/diagnose.ts';
export { CULPRITS, type CulpritId, type Diagnosis, type Evidence, type Finding } from './diagnose/finding.ts';
export { estimateRun, type QuantileEstimate } from './diagnose/statistics/quantile-interval.ts';
export { judgeThresholds } from './diagnose/thresholds/judge-thresholds.ts';
export { parseThresholds } from './diagnose/thresholds/parse-thresholds.ts';
export type { Threshold, ThresholdResult } from './diagnose/thresholds/threshold.ts';
export { type DoctorOptions, type DoctorResult, doctor, load, type ProcessChoice, watch } from './doctor.ts';
export { type FindLimitOptions, findLimit, type LimitResult, type LimitStep } from './find-limit.ts';
export { type MeasureOptions, type MeasureProgress, measure } from './measure.ts';
export { type ForwardProxy, parseProxy } from './plan/proxy.ts';
export {
  defineScenario,
  type Scenario,
  type ScenarioKind,
} from './plan/scenario/scenario.ts';
export type { LiveListener, ObserverStatus, OpenStall, OpenStallEnd } from './record/live.ts';
export type { LoadRecord } from './record/load.ts';
export type { CycleWindow, LoopRecord, ObservationRecord, Stall } from './record/observation.ts';
export type { Run } from './record/run.ts';
export { readRunFile, writeRunFile } from './record/run-file.ts';
export { REPORTERS } from './report/registry.ts';
export {
  defineProxy,
  type ProxyConfig,
  type ProxyConfigRule,
  type ProxyConfigUser,
} from './serve/proxy/config/proxy-config.ts';
export { type TraceRequest, trace } from './trace.ts';
export { VERSION } from './version.ts';
export {
  type Codec,
  type FrameFormat,
  PARSED,
  type Parsed,
  type ParserOptions,
  type ReplyParser,
  type RequestOptions,
} from './wire/codec.ts';
export type { CodecDefinition } from './wire/custom/codec-definition.ts';
export { defineCodec } from './wire/custom/define-codec.ts';
export { loadCodec } from './wire/custom/load-codec.ts';
export { frameFormat } from './wire/frame/frame-format.ts';
