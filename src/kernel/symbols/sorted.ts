/** Index of the last element not above a value in a sorted array; −1 when there is none. */
export function lastNotAbove(sorted: BigUint64Array, value: bigint): number;
export function lastNotAbove(sorted: Float64Array, value: number): number;
export function lastNotAbove(sorted: BigUint64Array | Float64Array, value: bigint | number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
