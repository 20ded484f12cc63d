import type { Framing } from '../formats/log-format.ts';
import { createGorSplitter } from './gor-splitter.ts';
import { createHarSplitter } from './har-splitter.ts';
import { createLineSplitter } from './line-splitter.ts';
import type { Splitter } from './splitter.ts';

const SPLITTERS: Readonly<Record<Framing, () => Splitter>> = {
  lines: createLineSplitter,
  gor: createGorSplitter,
  har: createHarSplitter,
};

/** Cuts a stream as a format asks for it. One for each stream: a line does not go on in the next file. */
export function createSplitter(framing: Framing): Splitter {
  return SPLITTERS[framing]();
}
