/** Reading the structures of the tracing programs. Counts and times fit a double for a hundred days. */
import type { Field } from '../../kernel/abi/layout.ts';
import { CYCLE_BUCKET_COUNT } from '../../record/cycle-buckets.ts';

export function u64At(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

/** Adds up one field over the copies of a per-CPU value. */
export function sumOf(copies: readonly DataView[], field: Field): number {
  return copies.reduce((sum, copy) => sum + u64At(copy, field.offset), 0);
}

export function maxOf(copies: readonly DataView[], field: Field): number {
  return copies.reduce((max, copy) => Math.max(max, u64At(copy, field.offset)), 0);
}

/** A histogram of 32-bit counts, added up over the copies. */
export function bucketsOf(copies: readonly DataView[], field: Field): number[] {
  return Array.from({ length: CYCLE_BUCKET_COUNT }, (_, bucket) =>
    copies.reduce((sum, copy) => sum + copy.getUint32(field.offset + bucket * 4, true), 0),
  );
}

/** A task's name: any bytes up to the first zero. Hostile: clean it before it is printed. */
export function commAt(view: DataView, field: Field): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset + field.offset, field.byteLength);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
