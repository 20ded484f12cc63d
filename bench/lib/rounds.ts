/**
 * Comparing on a noisy machine: variants run by turns, the order turned round each time, and medians are compared. So
 * what slows the machine for a while slows all variants alike.
 */
export type Sample = Record<string, number>;

/** `every`: it takes part in the first round and then in every so many; in all of them when absent. */
export type Variant = { name: string; every?: number; run(): Promise<Sample> };

/** Samples of each variant, round by round; each says in which round it was taken. */
export async function alternate(
  variants: readonly Variant[],
  rounds: number,
  onSample: (round: number, name: string, sample: Sample) => void = () => {},
): Promise<Record<string, Sample[]>> {
  const samples: Record<string, Sample[]> = Object.fromEntries(variants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? variants : [...variants].reverse();
    for (const { name, every = 1, run } of order) {
      if (round % every !== 0) continue;
      const sample = { round, ...(await run()) };
      samples[name]!.push(sample);
      onSample(round, name, sample);
    }
  }
  return samples;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export type Comparison = {
  metric: string;
  medians: Record<string, number>;
  /** Median of `name` ÷ median of `base`. */
  ratio: number;
  /** Median of the ratios within each round: what changes slowly cancels out. */
  pairedRatio: number;
  /** Where the median of such ratios lies in 95 of 100 cases: order statistics, no shape assumed. */
  pairedRange: [low: number, high: number];
  /** Rounds in which `name` had the smaller value. */
  smallerCount: number;
};

/** One metric of two variants, over the rounds in which both took part. */
export function compare(
  samples: Record<string, Sample[]>,
  metric: string,
  name: string,
  base: string,
): Comparison {
  const values = (variant: string, other: string) => {
    const rounds = new Set(samples[other]!.map(({ round }) => round));
    return samples[variant]!.filter(({ round }) => rounds.has(round)).map((sample) => sample[metric]!);
  };
  const ours = values(name, base);
  const theirs = values(base, name);
  const ratios = ours.map((value, i) => value / theirs[i]!);
  return {
    metric,
    medians: { [name]: median(ours), [base]: median(theirs) },
    ratio: median(ours) / median(theirs),
    pairedRatio: median(ratios),
    pairedRange: medianRange(ratios),
    smallerCount: ours.filter((value, i) => value < theirs[i]!).length,
  };
}

/** A comparison as a line of text. */
export function comparisonLine({ metric, medians, ratio, pairedRatio, pairedRange }: Comparison): string {
  const parts = Object.entries(medians).map(([name, value]) => `${name} ${value.toPrecision(6)}`);
  const range = pairedRange.map((end) => end.toFixed(3)).join(' to ');
  return `${metric}: ${parts.join(', ')}; ratio ${ratio.toFixed(3)}, paired ${pairedRatio.toFixed(3)} (${range})`;
}

/** 95 % range of a median: the values at ranks n/2 ± 0.98·√n, by the binomial's normal approximation. */
function medianRange(values: readonly number[]): [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const reach = 0.98 * Math.sqrt(sorted.length);
  const low = Math.max(0, Math.floor(sorted.length / 2 - reach));
  return [sorted[low]!, sorted[sorted.length - 1 - low]!];
}
