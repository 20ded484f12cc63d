/** One mutated talk, read in one piece and in several: the same comes of it, nothing throws, and nothing is out of bounds. */
import { isDeepStrictEqual } from 'node:util';
import { converse, type Talked } from '../../src/serve/proxy/ways/testing/converse.ts';
import { beginTalk, HEAD_BYTES, mutant, type TalkKind } from './talk-inputs.ts';

export { TALK_KINDS, type TalkKind } from './talk-inputs.ts';

/** Methods, name and password, request: no talk has more steps than that, and one that asks for more. */
const STEPS_MOST = 4;
const CUTS_MOST = 4;

export type Tried = {
  /** What is wrong with the reader; null for nothing. */
  wrong: string | null;
  /** What became of the input: more was asked for, it was refused, or read. */
  end: 'more' | 'wrong' | 'read';
};

export function tryTalk(kind: TalkKind, seed: number): Tried {
  const { bytes, prng } = mutant(kind, seed);
  const asksWho = prng.below(2) === 0;
  const cuts = Array.from({ length: prng.below(CUTS_MOST + 1) }, () => prng.below(bytes.length + 1)).sort(
    (a, b) => a - b,
  );
  try {
    const whole = converse(beginTalk(kind, asksWho), bytes);
    const cut = converse(beginTalk(kind, asksWho), bytes, cuts, 1 + prng.below(255));
    return { wrong: faultOf(whole, cut, cuts, bytes.length), end: endOf(whole) };
  } catch (error) {
    return { wrong: String((error as Error).stack), end: 'wrong' };
  }
}

function faultOf(whole: Talked, cut: Talked, cuts: readonly number[], length: number): string | null {
  const differs =
    !isDeepStrictEqual(whole.said, cut.said) ||
    !isDeepStrictEqual(whole.end, cut.end) ||
    whole.consumed !== cut.consumed;
  if (differs) return `cut at ${cuts}: ${JSON.stringify(cut)}, whole: ${JSON.stringify(whole)}`;
  if (whole.consumed > length) return `${whole.consumed} bytes taken of ${length}`;
  if (whole.stepCount > STEPS_MOST) return `${whole.stepCount} steps`;
  if (whole.end === 'more' && length - whole.consumed >= HEAD_BYTES)
    return `more asked for than ${HEAD_BYTES} bytes`;
  return null;
}

function endOf({ end }: Talked): Tried['end'] {
  if (end === 'more') return 'more';
  return typeof end === 'object' && end !== null && 'reason' in end ? 'wrong' : 'read';
}
