/** One run file, read and put into every form. */
import { LoopscopeError } from '../../src/base/errors.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { readRunFile } from '../../src/record/run-file.ts';
import { REPORTERS } from '../../src/report/registry.ts';

/** Codes that a sentence for the user comes with; INTERNAL would be a fault of ours. */
const REFUSALS: ReadonlySet<string> = new Set(['RUN_FILE_INVALID', 'USAGE']);

/** How it ended: refused as a whole, or rendered in so many forms (those about latency alone may refuse). */
export type ReportTrial = { refused: string | null; renderedCount: number; outputBytes: number };

/** Throws what no user should meet. */
export function tryReport(path: string): ReportTrial {
  const result: ReportTrial = { refused: null, renderedCount: 0, outputBytes: 0 };
  try {
    const run = readRunFile(path);
    const diagnosis = diagnose(run);
    for (const reporter of REPORTERS) {
      try {
        const text = reporter.render(run, diagnosis, { columns: null, colour: false, runFile: null });
        if (reporter.name === 'json') JSON.parse(text);
        result.outputBytes += text.length;
        result.renderedCount++;
      } catch (error) {
        throwUnlessRefused(error);
      }
    }
  } catch (error) {
    result.refused = throwUnlessRefused(error);
  }
  return result;
}

function throwUnlessRefused(error: unknown): string {
  if (error instanceof LoopscopeError && REFUSALS.has(error.code) && error.message !== '')
    return error.message;
  throw error;
}
