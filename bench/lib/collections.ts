/** What V8 says of its garbage collections (--trace-gc), by isolate: how many, and how much was left after each. */
export type Collection = { atMs: number; leftBytes: number; freedBytes: number };

/** One list an isolate, in the order of their first collection; times are since the isolate's beginning. */
export function readCollections(output: string): Collection[][] {
  const lists: Collection[][] = [];
  const current = new Map<string, Collection[]>();
  const line = /^\[\d+:(0x[0-9a-f]+)\]\s+([\d.]+) ms: [^\n]*?([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB/gm;
  for (const [, isolate, at, before, left] of output.matchAll(line)) {
    const atMs = Number(at);
    let list = current.get(isolate!);
    // Time that steps back: another isolate, at the address of one that has ended.
    if (list === undefined || atMs < list.at(-1)!.atMs) {
      list = [];
      lists.push(list);
      current.set(isolate!, list);
    }
    list.push({ atMs, leftBytes: Number(left) * 1e6, freedBytes: (Number(before) - Number(left)) * 1e6 });
  }
  return lists;
}

export type HeapGrowth = {
  collections: number;
  /** Made and thrown away again, of all requests together. */
  garbageBytes: number;
  /** Growth of what collections leave behind, for a million requests; null when there were too few of them to tell. */
  bytesPerMillion: number | null;
};

/** Over the last three fifths of the thread's life, when its connections are open and its code is compiled. */
export function heapGrowth(collections: readonly Collection[], requestsPerSec: number): HeapGrowth {
  const endMs = collections.at(-1)?.atMs ?? 0;
  const late = collections.filter(({ atMs }) => atMs >= 0.4 * endMs);
  const requests = late.length < 2 ? 0 : (requestsPerSec * (late.at(-1)!.atMs - late[0]!.atMs)) / 1e3;
  return {
    collections: collections.length,
    garbageBytes: collections.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
    bytesPerMillion: requests === 0 ? null : ((late.at(-1)!.leftBytes - late[0]!.leftBytes) / requests) * 1e6,
  };
}
