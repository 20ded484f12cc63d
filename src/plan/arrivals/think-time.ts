/**
 * Closed loops with a pause: after a reply a connection waits a while before it sends again. All waiting equally long is
 * how a load falls into lock step; a random part of as little as a millisecond breaks it.
 */
import { LoopscopeError } from '../../base/errors.ts';
import { createPrng } from '../../base/prng.ts';
import { parseDurationNs } from '../../base/units.ts';

/** After each reply a connection waits `meanNs` and a uniform random 0..`jitterNs`. */
export type ThinkTime = { readonly meanNs: number; readonly jitterNs: number };

const EXAMPLE = 'write --think-time 50ms, or --think-time 50ms+0-1ms for a random part of up to 1 ms';
const MAX_THINK_NS = 3600e9;

/** Reads "50ms" or "50ms+0-1ms" ("50ms+1ms" is the same). Throws USAGE that points at the part at fault. */
export function parseThinkTime(text: string, option = '--think-time'): ThinkTime {
  const match = /^([^+]+)(?:\+(.+))?$/.exec(text.trim());
  if (!match) throw new LoopscopeError('USAGE', `${option}: "${text}" is not a time`, EXAMPLE);
  const [, fixed, random] = match;
  const meanNs = thinkNs(fixed!, option);
  if (random === undefined) return { meanNs, jitterNs: 0 };
  const range = /^(?:([^-]*)-)?([^-]+)$/.exec(random);
  if (!range) throw new LoopscopeError('USAGE', `${option}: "${random}" is not a random part`, EXAMPLE);
  const leastNs = range[1] === undefined ? 0 : thinkNs(range[1], option);
  const mostNs = thinkNs(range[2]!, option);
  if (mostNs < leastNs) throw new LoopscopeError('USAGE', `${option}: "${random}" runs backwards`, EXAMPLE);
  return { meanNs: meanNs + leastNs, jitterNs: mostNs - leastNs };
}

function thinkNs(text: string, option: string): number {
  const ns = parseDurationNs(text, option);
  if (ns > MAX_THINK_NS)
    throw new LoopscopeError('USAGE', `${option}: "${text}" is more than an hour`, EXAMPLE);
  return ns;
}

/** The waits of one thread's connections, one after another. Allocates nothing per call. */
export function createThinkTimes(
  thinkTime: ThinkTime,
  seed: number,
  threadIndex: number,
): { nextNs(): number } {
  const { meanNs, jitterNs } = thinkTime;
  if (jitterNs === 0) return { nextNs: () => meanNs };
  const prng = createPrng(seed, threadIndex);
  return { nextNs: () => meanNs + prng.next() * jitterNs };
}
