import type { Prng } from '../../base/prng.ts';

/**
 * Gamma variates of any positive shape and mean `shape` (Marsaglia and Tsang, "A simple method for generating gamma
 * variables", ACM TOMS 26, 2000): below a shape of 1 by way of shape + 1 and a power of a uniform.
 */
function gammaVariate(prng: Prng, shape: number): number {
  // U^(1/shape) with −ln U exponential, which never is a power of 0.
  const boost = shape < 1 ? Math.exp(-prng.exponential(1 / shape)) : 1;
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(prng);
    const root = 1 + c * x;
    const v = root * root * root;
    const xx = x * x;
    if (v <= 0) continue;
    const u = uniform(prng);
    // The paper's shortcut, true for all but one in fifty: without it two logarithms.
    if (u < 1 - 0.0331 * xx * xx) return d * v * boost;
    if (Math.log(u) < xx / 2 + d - d * v + d * Math.log(v)) return d * v * boost;
  }
}

/** A share of a whole: Beta(a, b) as a part of two gammas. 0 when both are too small to tell. */
export function betaVariate(prng: Prng, a: number, b: number): number {
  const x = gammaVariate(prng, a);
  const sum = x + gammaVariate(prng, b);
  return sum > 0 ? x / sum : 0;
}

/** Box and Muller; the second number is not kept, so that a variate depends on no hidden state. */
function normal(prng: Prng): number {
  return Math.sqrt(2 * prng.exponential(1)) * Math.cos(2 * Math.PI * prng.next());
}

/** In (0, 1): never 0, whose logarithm is infinite. */
function uniform(prng: Prng): number {
  return prng.next() || 2 ** -33;
}
