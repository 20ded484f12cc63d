/** A reporter for node --test that writes what a script can read: a line of JSON for each failure and each file. */
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

export type ResultLine =
  | { type: 'failure'; name: string; file: string; line: number; error: string }
  | { type: 'file'; file: string; durationMs: number; passed: number };

// biome-ignore lint/style/noDefaultExport: what --test-reporter takes
export default async function* results(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    const line = lineOf(event);
    if (line) yield `${JSON.stringify(line)}\n`;
  }
}

function lineOf(event: TestEvent): ResultLine | null {
  if (event.type === 'test:summary' && event.data.file) {
    const { file, duration_ms, counts } = event.data;
    return { type: 'file', file, durationMs: duration_ms, passed: counts.passed };
  }
  if (event.type !== 'test:fail') return null;
  const { name, file, line, details } = event.data;
  const error = inspect(details.error.cause ?? details.error);
  return { type: 'failure', name, file: file ?? '', line: line ?? 0, error };
}
