/**
 * Places in the kernel's arrays, lent to loops while they live. A place that was given back rests until the ring was
 * emptied once more: a record that its last owner sent must not be taken for the next one's.
 */
export type LoopSlots = {
  /** Null when all are taken. */
  take(loopIndex: number): number | null;
  release(slot: number): void;
  /** The loop that has, or had last, that place. */
  loopOf(slot: number): number | undefined;
  /** The ring was emptied. */
  settle(): void;
  readonly usedCount: number;
};

export function createLoopSlots(limit: number): LoopSlots {
  const free: number[] = Array.from({ length: limit }, (_, i) => limit - 1 - i);
  const resting: number[] = [];
  const loops = new Map<number, number>();
  return {
    take(loopIndex) {
      const slot = free.pop();
      if (slot === undefined) return null;
      loops.set(slot, loopIndex);
      return slot;
    },
    release: (slot) => void resting.push(slot),
    loopOf: (slot) => loops.get(slot),
    settle: () => void free.push(...resting.splice(0)),
    get usedCount() {
      return limit - free.length - resting.length;
    },
  };
}
