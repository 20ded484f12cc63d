/** The shape of the cases that rules are tried on. */
import type { CulpritId } from '../finding.ts';
import type { RunBuilder } from './run-builder.ts';

export type LookAlike = {
  not: CulpritId;
  name: string;
  run: () => RunBuilder;
  /** What it is instead, when that is a named thing. */
  instead?: CulpritId;
};

export type Planted = {
  culprit: CulpritId;
  name: string;
  run: () => RunBuilder;
  /** Patterns that the headline, evidence or advice of the verdict must match. */
  says: RegExp[];
};
