/**
 * The order of a weighted mix: exact over a cycle, and as even as whole numbers allow at every point of it. After n
 * requests each kind has had its share of n rounded down or up, never further off.
 */
import { LoopscopeError } from '../../base/errors.ts';
import { createPrng } from '../../base/prng.ts';
import { NumberHeap } from '../number-heap.ts';

export type MixEntry = {
  name: string;
  weight: number;
  /** How many rows the kind has to choose from. */
  rowCount: number;
  pick: 'sequential' | 'random';
};

export type MixOrder = {
  /** Use u sends row useRow[u] of kind useKind[u]; each such pair occurs once. */
  useKind: Uint16Array;
  useRow: Uint32Array;
  /** Uses by request number, modulo the length. */
  order: Uint32Array;
};

/** Requests after which the order repeats. 4 million of 4 bytes each. */
const MAX_ORDER_LENGTH = 2 ** 22;
const MAX_KIND_COUNT = 1000;
/** Decimals of a weight that are told apart. */
const WEIGHT_SCALE = 1e6;

/** Lays out kinds and rows. Throws USAGE when weights or rows would need too long an order. */
export function mixOrder(mix: readonly MixEntry[], seed: number): MixOrder {
  const counts = cycleCounts(mix);
  const cycle = spread(counts, seed);
  const rounds = roundCount(mix, counts, cycle.length);
  const order = new Uint32Array(cycle.length * rounds);
  const useOf = mix.map(({ rowCount }) => new Int32Array(rowCount).fill(-1));
  const taken = mix.map(() => 0);
  const rows = mix.map((_, kind) => createPrng(seed, kind + 1));
  const most = Math.min(
    order.length,
    mix.reduce((sum, { rowCount }) => sum + rowCount, 0),
  );
  const useKind = new Uint16Array(most);
  const useRow = new Uint32Array(most);
  let useCount = 0;
  for (let i = 0; i < order.length; i++) {
    const kind = cycle[i % cycle.length]!;
    const { rowCount, pick } = mix[kind]!;
    const row = pick === 'random' ? rows[kind]!.below(rowCount) : taken[kind]!++ % rowCount;
    let use = useOf[kind]![row]!;
    if (use < 0) {
      use = useCount++;
      useOf[kind]![row] = use;
      useKind[use] = kind;
      useRow[use] = row;
    }
    order[i] = use;
  }
  return { useKind: useKind.slice(0, useCount), useRow: useRow.slice(0, useCount), order };
}

/** The smallest whole numbers in the proportion of the weights. */
export function cycleCounts(mix: readonly Pick<MixEntry, 'name' | 'weight'>[]): number[] {
  if (mix.length === 0 || mix.length > MAX_KIND_COUNT) {
    throw new LoopscopeError('USAGE', `a mix has from 1 to ${MAX_KIND_COUNT} kinds, not ${mix.length}`);
  }
  for (const { name, weight } of mix) {
    if (!(weight > 0 && weight <= 1e9)) {
      throw new LoopscopeError(
        'USAGE',
        `kind "${name}": the weight ${weight} is not a positive number up to 1e9`,
      );
    }
  }
  const whole = mix.every(({ weight }) => Number.isInteger(weight));
  const scaled = mix.map(({ weight }) => (whole ? weight : Math.round(weight * WEIGHT_SCALE)));
  const divisor = scaled.reduce(greatestCommonDivisor);
  const counts = scaled.map((weight) => weight / Math.max(1, divisor));
  const length = counts.reduce((sum, count) => sum + count, 0);
  if (length > MAX_ORDER_LENGTH || counts.some((count) => count < 1)) {
    throw new LoopscopeError(
      'USAGE',
      `the weights ${mix.map(({ weight }) => weight).join(' : ')} repeat only after ${length} requests`,
      `write them as small whole numbers, for instance ${roundedWeights(mix).join(' : ')}`,
    );
  }
  return counts;
}

/** The proportions in hundredths of the largest, at least one each. */
function roundedWeights(mix: readonly { weight: number }[]): number[] {
  const largest = Math.max(...mix.map(({ weight }) => weight));
  return mix.map(({ weight }) => Math.max(1, Math.round((100 * weight) / largest)));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * The kinds of one cycle in order. The j-th use of a kind with c of C requests may come from floor(jC/c) on and must
 * come before ceil((j+1)C/c): the earliest such deadline goes first, which meets them all when the uses fill the cycle
 * (Baruah et al., "Proportionate progress", 1996, for one resource). The seed breaks ties.
 */
function spread(counts: readonly number[], seed: number): Uint16Array {
  const kindCount = counts.length;
  const length = counts.reduce((sum, count) => sum + count, 0);
  const kindOfRank = shuffled(kindCount, seed);
  const done = new Uint32Array(kindCount);
  // A key is time × kinds + rank, so that one number orders by time and then by rank, and still names the kind.
  const pending = new NumberHeap(kindCount);
  const released = new NumberHeap(kindCount);
  for (let rank = 0; rank < kindCount; rank++) pending.push(rank);
  const cycle = new Uint16Array(length);
  for (let slot = 0; slot < length; slot++) {
    while (pending.min < (slot + 1) * kindCount) {
      const rank = pending.pop() % kindCount;
      const kind = kindOfRank[rank]!;
      const deadline = Math.ceil(((done[kind]! + 1) * length) / counts[kind]!);
      released.push(deadline * kindCount + rank);
    }
    const rank = released.pop() % kindCount;
    const kind = kindOfRank[rank]!;
    cycle[slot] = kind;
    done[kind]!++;
    if (done[kind]! < counts[kind]!) {
      pending.push(Math.floor((done[kind]! * length) / counts[kind]!) * kindCount + rank);
    }
  }
  return cycle;
}

function shuffled(count: number, seed: number): number[] {
  const prng = createPrng(seed);
  const all = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

/** So many cycles that every row of every kind has had as many turns as there are rows. */
function roundCount(mix: readonly MixEntry[], counts: readonly number[], cycleLength: number): number {
  let rounds = 1;
  mix.forEach(({ name, rowCount }, kind) => {
    const wanted = Math.ceil(rowCount / counts[kind]!);
    if (wanted * cycleLength > MAX_ORDER_LENGTH) {
      const fit = Math.floor(MAX_ORDER_LENGTH / cycleLength) * counts[kind]!;
      throw new LoopscopeError(
        'USAGE',
        `kind "${name}": its ${rowCount} rows come round only after ${wanted * cycleLength} requests, and ` +
          `${MAX_ORDER_LENGTH} can be laid out`,
        `give it at most ${fit} rows, or a greater weight`,
      );
    }
    rounds = Math.max(rounds, wanted);
  });
  return rounds;
}
