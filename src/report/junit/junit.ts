/** A run as a JUnit file, for CI: a test case for each threshold and for each self-check. */
import { printable } from '../../base/printable.ts';
import type { Diagnosis, SelfCheck } from '../../diagnose/finding.ts';
import type { ThresholdResult } from '../../diagnose/thresholds/threshold.ts';
import type { Run } from '../../record/run.ts';
import type { Reporter, ReportOptions } from '../reporter.ts';

export const junitReporter = {
  name: 'junit',
  extension: 'xml',
  summary: 'JUnit XML for CI: a test case for each threshold and self-check',
  render: renderJunit,
} satisfies Reporter;

const MAX_TEXT_LENGTH = 2000;

type Case = { name: string; outcome: 'passed' | 'failure' | 'error' | 'skipped'; text: string };

function renderJunit(run: Run, diagnosis: Diagnosis, { thresholds = [] }: ReportOptions): string {
  const seconds = run.load ? (run.load.endNs - run.load.startNs) / 1e9 : 0;
  const suites = [
    suite('loopscope.thresholds', thresholds.map(thresholdCase)),
    suite('loopscope.self', diagnosis.self.checks.map(checkCase)),
  ].filter((text) => text !== '');
  const time = Number.isFinite(seconds) ? Math.max(0, seconds).toFixed(3) : '0.000';
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="loopscope" time="${time}">`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

function thresholdCase({ text, outcome, failed, why }: ThresholdResult): Case {
  return {
    name: text,
    text: why,
    outcome: failed ? 'failure' : outcome === 'unjudged' ? 'skipped' : 'passed',
  };
}

/** A VOID run is no measurement: an error, and not the server's failure. */
function checkCase({ name, verdict, text }: SelfCheck): Case {
  const said = `${verdict}: ${text}`;
  return {
    name,
    text: said,
    outcome: verdict === 'VOID' ? 'error' : verdict === 'SKIP' ? 'skipped' : 'passed',
  };
}

function suite(name: string, cases: readonly Case[]): string {
  if (cases.length === 0) return '';
  const count = (outcome: Case['outcome']) => cases.filter((each) => each.outcome === outcome).length;
  const counts = `failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`;
  return [
    `  <testsuite name="${name}" tests="${cases.length}" ${counts}>`,
    ...cases.map((each) => caseElement(name, each)),
    '  </testsuite>',
  ].join('\n');
}

function caseElement(className: string, { name, outcome, text }: Case): string {
  const said = escapeXml(text);
  const inner = outcome === 'passed' ? `<system-out>${said}</system-out>` : `<${outcome} message="${said}"/>`;
  return `    <testcase classname="${className}" name="${escapeXml(name)}">${inner}</testcase>`;
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Names and replies are hostile text; printable() leaves no character that XML 1.0 forbids but two. */
function escapeXml(text: string): string {
  return printable(text, MAX_TEXT_LENGTH)
    .replace(/[\ufffe\uffff]/g, '·')
    .replace(/[&<>"']/g, (char) => ENTITIES[char]!);
}
