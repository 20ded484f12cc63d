/** A reporter for node --test that keeps quiet but for what failed: where, and the error in full. */
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

// biome-ignore lint/style/noDefaultExport: what --test-reporter takes
export default async function* failures(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:fail') continue;
    const { name, file, line, details } = event.data;
    yield `${name} (${file}:${line})\n${inspect(details.error.cause ?? details.error)}\n\n`;
  }
}
