import type { Prng } from '../../../base/prng.ts';

/**
 * `count` times as if drawn uniformly from [lowNs, highNs) and sorted, into `out`: gaps that are exponential, scaled to
 * their sum. Where arrivals were Poisson, they are so again (Devroye 1986, V.2).
 */
export function spreadUniformly(
  prng: Prng,
  count: number,
  lowNs: number,
  highNs: number,
  out: Float64Array,
): void {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += prng.exponential(1);
    out[i] = sum;
  }
  sum += prng.exponential(1);
  const scale = (highNs - lowNs) / sum;
  for (let i = 0; i < count; i++) out[i] = lowNs + out[i]! * scale;
}
