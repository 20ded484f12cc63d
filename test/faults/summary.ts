import type { LoadRecord } from '../../src/record/load.ts';
import { describeCase, type FaultCase } from './cases.ts';

/** What a set of cases came to: a suite in which nothing went wrong has tested nothing. */
export class Summary {
  caseCount = 0;
  unreachableCount = 0;
  /** Connects that failed where descriptors were few. */
  failedForDescriptors = 0;
  readonly counts: Record<string, number> = {};
  readonly errorsByKind: Record<string, number> = {};
  readonly connections: Record<string, number> = {};
  readonly examples: Record<string, string> = {};

  add(each: FaultCase, record: LoadRecord | null): void {
    this.caseCount++;
    if (record === null) {
      this.unreachableCount++;
      this.examples.unreachable ??= describeCase(each);
      return;
    }
    if (each.openFileRoom !== null) this.failedForDescriptors += record.connections.failed;
    addAll(this.counts, record.counts);
    addAll(this.errorsByKind, record.errorsByKind);
    addAll(this.connections, record.connections);
  }
}

function addAll(sums: Record<string, number>, numbers: object): void {
  for (const [name, value] of Object.entries(numbers)) sums[name] = (sums[name] ?? 0) + (value as number);
}
