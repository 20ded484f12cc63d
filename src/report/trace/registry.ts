import { traceHtmlReporter } from './trace-html.ts';
import { traceJsonReporter } from './trace-json.ts';
import type { TraceReporter } from './trace-reporter.ts';
import { traceTerminalReporter } from './trace-terminal.ts';

/** Every form that a trace is shown in. */
export const TRACE_REPORTERS: readonly TraceReporter[] = [
  traceTerminalReporter,
  traceJsonReporter,
  traceHtmlReporter,
];
