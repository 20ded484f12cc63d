/** The core's part of a talk, without sockets: bytes in pieces, and what came of them. */
import type { WayStep, WayTalk } from '../way.ts';

export type Talked = {
  /** What each step said, in order. */
  said: number[][];
  /** The step that ended it, or 'more'. */
  end: unknown;
  /** Bytes taken off in all. */
  consumed: number;
  stepCount: number;
};

/** Bytes around the ones that are here: a reader that looks at them answers differently. */
const MARGIN = 24;

/**
 * Gives the bytes up to each cut in turn, the last cut being their end. `poison` stands before and behind, where a reader
 * has nothing to look for.
 */
export function converse(talk: WayTalk, bytes: Uint8Array, cuts: readonly number[] = [], poison = 0): Talked {
  const talked: Talked = { said: [], end: 'more', consumed: 0, stepCount: 0 };
  for (const cut of [...cuts, bytes.length]) {
    const here = new Uint8Array(cut + 2 * MARGIN).fill(poison);
    here.set(bytes.subarray(0, cut), MARGIN);
    for (;;) {
      const step = talk.step(here, MARGIN + talked.consumed, MARGIN + cut);
      talked.stepCount++;
      if (step.kind === 'more') break;
      if ('consumed' in step) talked.consumed += step.consumed;
      if (step.kind !== 'say' && step.kind !== 'who') return { ...talked, end: plain(step) };
      talked.said.push(saidBy(step));
    }
  }
  return talked;
}

function saidBy(step: Extract<WayStep, { kind: 'say' | 'who' }>): number[] {
  if (step.kind === 'say') return [...step.reply];
  const { name, password } = step.credentials;
  return [...step.accepted, ...step.refused, ...Buffer.from(name), 0, ...password];
}

/** Without functions, and with the answer to a refusal in their place. */
function plain(step: WayStep): unknown {
  if (step.kind === 'wrong') return { ...step, reply: [...step.reply] };
  if (step.kind !== 'wants') return step;
  const { consumed, destination, credentials, sni } = step;
  return {
    consumed,
    destination,
    credentials: credentials && { name: credentials.name, password: [...credentials.password] },
    sni,
    refused: [...step.refused('not-allowed')],
  };
}

/** A text of one-byte characters as bytes. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
