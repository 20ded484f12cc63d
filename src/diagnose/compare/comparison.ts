export type ChangeVerdict = 'better' | 'worse' | 'same' | 'unknown';

/** One figure on both sides. Values are ns, replies a second, or a share, as `unit` says. */
export type ComparedFigure = {
  name: string;
  unit: 'ns' | 'per s' | 'share';
  /** One value a run, in the order given; null where the run cannot tell. */
  a: (number | null)[];
  b: (number | null)[];
  /** Geometric means (of shares, means); null when a run of that side cannot tell. */
  centreA: number | null;
  centreB: number | null;
  /** B over A less 1; of shares, B less A. With its 95 % interval. */
  change: number | null;
  changeLow: number | null;
  changeHigh: number | null;
  /**
   * Welch’s test over the runs, or where the one run lies among the others, corrected for the number of figures (Holm);
   * null within-run.
   */
  p: number | null;
  /** Exact permutation test over the runs, as it is. */
  permutationP: number | null;
  verdict: ChangeVerdict;
  /** Why nothing can be said; empty otherwise. */
  why: string;
};

/**
 * between-runs: differences are held against those between runs of either side. one-against-runs: against those between
 * the runs of the side that has several. within-run: these are not known.
 */
export type ComparisonBasis = 'between-runs' | 'one-against-runs' | 'within-run';

export type Comparison = {
  runCountA: number;
  runCountB: number;
  basis: ComparisonBasis;
  figures: ComparedFigure[];
  /** Of the whole: unknown when runs of a side cannot be compared with each other. */
  verdict: ChangeVerdict | 'mixed';
  /** What makes the two sides incomparable, or the comparison weak. */
  warnings: string[];
  why: string;
};
