/** What became of the requests of each kind of a mix: counts and latencies, in shared memory, for a whole run. */
import { bucketOf, HISTOGRAM_BUCKETS } from '../../record/histogram.ts';

/** Indices of a kind's counts. Requests never sent have no kind yet. */
export const KIND_COUNT = { sent: 0, ok: 1, wrong: 2, error: 3, timeout: 4, unfinished: 5 } as const;
const FIELDS = 6;
export const KIND_HISTOGRAMS = ['response', 'service', 'lateness', 'censored'] as const;
const KIND_BYTES = FIELDS * 8 + KIND_HISTOGRAMS.length * HISTOGRAM_BUCKETS * 4;

/** Memory for so many kinds; none for a lone kind, which is the whole load. */
export function createKindMemory(kindCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(kindCount > 1 ? kindCount * KIND_BYTES : 0);
}

export type KindView = { counts: Float64Array } & Record<(typeof KIND_HISTOGRAMS)[number], Uint32Array>;

/** Views of each kind's memory; the thread writes, the main thread reads. */
export function viewKinds(memory: SharedArrayBuffer): KindView[] {
  return Array.from({ length: memory.byteLength / KIND_BYTES }, (_, kind) => {
    const base = kind * KIND_BYTES;
    const histogram = (nth: number) =>
      new Uint32Array(memory, base + FIELDS * 8 + nth * HISTOGRAM_BUCKETS * 4, HISTOGRAM_BUCKETS);
    return {
      counts: new Float64Array(memory, base, FIELDS),
      response: histogram(0),
      service: histogram(1),
      lateness: histogram(2),
      censored: histogram(3),
    };
  });
}

/** The thread's side; nothing is written when there is one kind only. */
export class KindWriter {
  readonly isOn: boolean;
  readonly #kinds: readonly KindView[];

  constructor(memory: SharedArrayBuffer) {
    this.#kinds = viewKinds(memory);
    this.isOn = this.#kinds.length > 0;
  }

  sent(kind: number, latenessNs: number): void {
    const view = this.#kinds[kind]!;
    view.counts[KIND_COUNT.sent]!++;
    view.lateness[bucketOf(latenessNs)]!++;
  }

  answered(kind: number, field: number, responseNs: number, serviceNs: number): void {
    const view = this.#kinds[kind]!;
    view.counts[field]!++;
    view.response[bucketOf(responseNs)]!++;
    view.service[bucketOf(serviceNs)]!++;
  }

  failed(kind: number): void {
    this.#kinds[kind]!.counts[KIND_COUNT.error]!++;
  }

  unanswered(kind: number, field: number, ageNs: number): void {
    const view = this.#kinds[kind]!;
    view.counts[field]!++;
    view.censored[bucketOf(ageNs)]!++;
  }
}
