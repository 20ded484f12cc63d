/**
 * Folded stacks: one line a stack, frames from the outermost to the innermost with semicolons between, then a blank
 * and a count. flamegraph.pl, speedscope and inferno read it.
 */

export type CountedStack = {
  /** Names, innermost first, as an unwinder finds them. */
  frames: readonly string[];
  /** Samples, or any other weight: microseconds, say. Written as a whole number. */
  count: number;
};

/** Equal stacks are one line, left out when they round to 0; lines are sorted. The empty string when there are none. */
export function foldStacks(stacks: Iterable<CountedStack>): string {
  const counts = new Map<string, number>();
  for (const { frames, count } of stacks) {
    if (!(count > 0)) continue;
    const names = frames.map(plain).reverse();
    const line = names.length > 0 ? names.join(';') : '[no frames]';
    counts.set(line, (counts.get(line) ?? 0) + count);
  }
  const lines = [...counts]
    .filter(([, count]) => count >= 0.5)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([line, count]) => `${line} ${Math.round(count)}`);
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
}

/** Semicolons separate frames, and lines stacks: neither may be part of a name, which comes from a foreign file. */
function plain(name: string): string {
  return (
    name
      .replaceAll(';', ':')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be removed
      .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
      .trim() || '?'
  );
}
