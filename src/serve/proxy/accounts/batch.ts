/** What is written down at once: in one transaction, whole or not at all, and once however often it is tried. */
import type { Usage } from './usage.ts';

/** What a user moved to and from a destination within an hour. */
export type UsageRow = { user: string; destination: string; hourMs: number; usage: Usage };

export type Batch = {
  /** Of one run of the proxy; batches of a writer have the numbers 1, 2, 3… */
  writer: string;
  sequence: number;
  wallMs: number;
  rows: UsageRow[];
};
