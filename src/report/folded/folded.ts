/**
 * Folded stacks: one line a stack, frames from the outermost to the innermost with semicolons between, then a blank
 * and a count. flamegraph.pl, speedscope and inferno read it.
 */

export type CountedStack = {
  /** Names, innermost first, as an unwinder finds them. */
  frames: readonly string[];
  /** Samples, or any other whole weight: microseconds, say. Stacks with a count below 1 are left out. */
  count: number;
  /** Why the outer part is missing ("copy ended"): becomes the outermost frame, so that no half passes for a whole. */
  cutBecause?: string;
};

/** Equal stacks are one line; lines are sorted. The empty string when there are none. */
export function foldStacks(stacks: Iterable<CountedStack>): string {
  const counts = new Map<string, number>();
  for (const { frames, count, cutBecause } of stacks) {
    if (!(count >= 1)) continue;
    const outermost = cutBecause === undefined ? [] : [`[${plain(cutBecause)}]`];
    const names = [...outermost, ...frames.map(plain).reverse()];
    const line = names.length > 0 ? names.join(';') : '[no frames]';
    counts.set(line, (counts.get(line) ?? 0) + Math.round(count));
  }
  const lines = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([line, count]) => `${line} ${count}`);
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
}

/** Semicolons separate frames, and lines stacks: neither may be part of a name, which comes from a foreign file. */
function plain(name: string): string {
  return (
    name
      .replaceAll(';', ':')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be removed
      .replace(/[\u0000-\u001f\u007f]+/g, ' ')
      .trim() || '?'
  );
}
