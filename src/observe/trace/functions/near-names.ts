/** Names close to one that is not there. */

/** Longer names are compared by their beginning only. */
const COMPARED_LENGTH = 64;
const SUGGESTION_LIMIT = 5;

/** What the compiler appends to the name of a copy: specialised, split off, or of rarely run parts. gcc(1) */
const COPY_SUFFIXES = /^(?:\.(?:isra|constprop|part|cold|lto_priv|llvm|clone)(?:\.\d+)*)+$/;

/** Copies of a function that the compiler made: "name.isra.0". */
export function copiesOf(name: string, names: Iterable<string>): string[] {
  const copies = new Set<string>();
  for (const other of names) {
    if (other.startsWith(`${name}.`) && COPY_SUFFIXES.test(other.slice(name.length))) copies.add(other);
  }
  return [...copies].sort();
}

/** The names most like the wanted one, best first: those that contain it or are contained, then those few letters away. */
export function nearNames(wanted: string, names: Iterable<string>): string[] {
  const target = wanted.toLowerCase();
  const farthest = Math.max(1, Math.floor(target.length / 3));
  const scores = new Map<string, number>();
  for (const name of names) {
    const lower = name.toLowerCase();
    if (scores.has(name)) continue;
    if (lower === target) scores.set(name, 0);
    else if (target.length >= 4 && lower.includes(target))
      scores.set(name, 1 + (lower.length - target.length) / 100);
    else if (lower.length >= 6 && target.includes(lower))
      scores.set(name, 2 + (target.length - lower.length) / 100);
    else if (Math.abs(lower.length - target.length) <= farthest) {
      const distance = editDistance(
        target.slice(0, COMPARED_LENGTH),
        lower.slice(0, COMPARED_LENGTH),
        farthest,
      );
      if (distance <= farthest) scores.set(name, 1 + distance / 2);
    }
  }
  return [...scores]
    .sort((a, b) => a[1] - b[1] || a[0].length - b[0].length || (a[0] < b[0] ? -1 : 1))
    .slice(0, SUGGESTION_LIMIT)
    .map(([name]) => name);
}

/** Insertions, deletions, changes and swaps of neighbours; more than `limit` is `limit` + 1. */
export function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2]! + 1);
      }
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    before = previous;
    previous = row;
  }
  return Math.min(previous[b.length]!, limit + 1);
}
