/**
 * The seam for kinds of checks: one file each, listed in registry.ts. A kind says what is sent once a connection is open,
 * and when what came back is enough.
 */
export type CheckTarget = {
  /** Host header and path of a request. */
  host: string;
  path: string;
  /** The status that is good. */
  expectedStatus: number;
};

export type CheckKind = {
  readonly name: string;
  /** One line for help and documents. */
  readonly summary: string;
  /** What is sent; null: an open connection is enough. */
  request(target: CheckTarget): Uint8Array | null;
  /** What the first bytes of the answer mean; 'more' when they do not say it yet. */
  judge(answer: Uint8Array, target: CheckTarget): 'good' | 'bad' | 'more';
};

/** An answer that has said nothing in so many bytes is a bad one. */
export const MOST_ANSWER_BYTES = 64;
