/** Which lines of some source files were never run: block counts of V8's precise coverage, through node:inspector. */
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';

export type Coverage = {
  /** "file.ts:12: the source line", for every block that never ran. */
  unreached(files: RegExp): Promise<string[]>;
};

/** Begins to count. Code runs slower from now on. */
export async function beginCoverage(): Promise<Coverage> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return {
    async unreached(files) {
      const { result } = await session.post('Profiler.takePreciseCoverage');
      session.disconnect();
      return result
        .filter(({ url }) => url.startsWith('file:') && files.test(url))
        .flatMap(({ url, functions }) => {
          const path = fileURLToPath(url);
          // Types are blanked out, so that positions are those of the file.
          const text = readFileSync(path, 'utf8');
          return functions
            .flatMap((found) => found.ranges.filter((range) => range.count === 0))
            .map(({ startOffset }) => {
              const before = text.slice(0, startOffset).split('\n');
              const line = text.split('\n')[before.length - 1]!.trim();
              return `${path.slice(path.lastIndexOf('/') + 1)}:${before.length}: ${line}`;
            });
        });
    },
  };
}
