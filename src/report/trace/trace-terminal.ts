import type { Trace } from '../../record/trace.ts';
import { Paper } from '../text/paper.ts';
import { writeFunctions } from './functions-text.ts';
import { writeSched } from './sched-text.ts';
import { writeSyscalls } from './syscalls-text.ts';
import type { TraceReporter, TraceReportOptions } from './trace-reporter.ts';

export const traceTerminalReporter = {
  name: 'terminal',
  summary: 'tables and text histograms',
  render(trace: Trace, options: TraceReportOptions): string {
    const paper = new Paper(options);
    if (trace.kind === 'syscalls') writeSyscalls(paper, trace, options.histogramsOf);
    else if (trace.kind === 'sched') writeSched(paper, trace);
    else writeFunctions(paper, trace, options.histogramsOf);
    return paper.toString();
  },
} satisfies TraceReporter;
