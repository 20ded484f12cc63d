/**
 * The threads that the probes know: each has a seat in an array, found by the low bits of its number, and a hash tells
 * those apart that would share one.
 */
import { deleteElement, updateElement } from '../../kernel/bpf/map.ts';
import { offHeap } from '../../kernel/libc.ts';
import { SEAT_LIMIT, SEAT_SHARED, seat } from '../probes/layouts.ts';

export type Seats = {
  take(tid: number, loopIndex: number): void;
  leave(tid: number): void;
};

/** `seatsMap` and `loopOfTid`: descriptors of the two maps. */
export function createSeats(seatsMap: number, loopOfTid: number): Seats {
  const loops = new Map<number, number>();
  const value = offHeap(seat.byteLength);
  const view = new DataView(value.buffer, value.byteOffset);
  const index = offHeap(4);
  const indexView = new DataView(index.buffer, index.byteOffset);

  /** As the threads are that remain; one of two keeps nothing of the other. */
  const settle = (at: number) => {
    const sharing = [...loops.keys()].filter((tid) => tid % SEAT_LIMIT === at);
    const [only = 0] = sharing;
    view.setUint32(seat.at.tid, sharing.length > 1 ? SEAT_SHARED : only, true);
    view.setUint32(seat.at.loop_index, loops.get(only) ?? 0, true);
    updateElement(seatsMap, at, value);
  };
  return {
    take(tid, loopIndex) {
      loops.set(tid, loopIndex);
      // First here: a shared seat sends the probes there.
      indexView.setUint32(0, loopIndex, true);
      updateElement(loopOfTid, tid, index);
      settle(tid % SEAT_LIMIT);
    },
    leave(tid) {
      loops.delete(tid);
      settle(tid % SEAT_LIMIT);
      deleteElement(loopOfTid, tid);
    },
  };
}
