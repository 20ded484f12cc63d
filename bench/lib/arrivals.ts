/** Counts requests as they arrive at a TCP server's sockets, by the kernel's clock, not the server's or the client's. */
import { attachTracing } from '../../src/kernel/bpf/attach.ts';
import { loadSkeleton } from '../../src/kernel/bpf/light-skeleton.ts';
import { mapArray, updateElement } from '../../src/kernel/bpf/map.ts';
import { offHeap } from '../../src/kernel/libc.ts';
import { closeFd } from '../../src/kernel/sockets.ts';

/** As in arrivals.bpf.c. */
const BIN_NS = 1e6;
const BIN_LIMIT = 65_536;

export type ArrivalCounter = {
  /** Forgets what was counted and begins anew; it then counts for a minute. */
  restart(): void;
  /** Arrivals in each whole stretch of `binNs`, a multiple of 1 ms, between two times of CLOCK_MONOTONIC. */
  counts(fromMonoNs: number, toMonoNs: number, binNs: number): number[];
  [Symbol.dispose](): void;
};

/** Needs BPF; throws BPF_LOAD or PERMISSION. Segments count, so it is for requests of one segment each. */
export function countArrivals(port: number): ArrivalCounter {
  const object = loadSkeleton(new URL('arrivals.skel.bin', import.meta.url));
  const mapping = mapArray(object.maps.get('bins')!, BIN_LIMIT * 8);
  const bins = new BigUint64Array(mapping.buffer, 0, BIN_LIMIT);
  const settings = offHeap(16);
  const view = new DataView(settings.buffer);
  let originNs = 0n;
  const restart = () => {
    bins.fill(0n);
    originNs = process.hrtime.bigint();
    view.setBigUint64(0, originNs, true);
    view.setBigUint64(8, BigInt(port), true);
    updateElement(object.maps.get('settings')!, 0, settings);
  };
  restart();
  const link = attachTracing(object.programs.get('data_ready')!);
  return {
    restart,
    counts(fromMonoNs, toMonoNs, binNs) {
      const perBin = binNs / BIN_NS;
      const first = Math.max(0, Math.ceil((fromMonoNs - Number(originNs)) / BIN_NS));
      const end = Math.min(BIN_LIMIT, Math.floor((toMonoNs - Number(originNs)) / BIN_NS));
      return Array.from({ length: Math.max(0, Math.floor((end - first) / perBin)) }, (_, i) => {
        const slice = bins.subarray(first + i * perBin, first + (i + 1) * perBin);
        return Number(slice.reduce((sum, count) => sum + count, 0n));
      });
    },
    [Symbol.dispose]() {
      closeFd(link);
      mapping[Symbol.dispose]();
      object[Symbol.dispose]();
    },
  };
}

/** Variance over mean: 0 for a clock's ticks, 1 for Poisson. */
export function indexOfDispersion(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  return squares / (counts.length - 1) / mean;
}
