/**
 * Requests as bytes, all made before the run: sending one is then a matter of an offset and a length. Kinds are what
 * the user named (weights, checks and counts are theirs), variants are the distinct byte strings of a kind.
 */
import { LoopscopeError } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';
import type { Codec, RequestOptions } from '../wire/codec.ts';
import type { ResponseCheck } from './check.ts';
import { type MixEntry, mixOrder } from './mix.ts';

/** Structured-clonable; the arrays lie in shared memory, so that threads read one copy. */
export type EncodedRequests = {
  /** The bytes of all variants, one after another. */
  readonly arena: Uint8Array;
  /** Of variant v: where its bytes begin in the arena, and how many they are. */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** The variant of request number n is order[n modulo its length]. */
  readonly order: Uint32Array;
  /** Variant → kind. */
  readonly kindOf: Uint16Array;
  readonly kindNames: readonly string[];
  /** By kind; null: any status below 400 is good. */
  readonly checks: readonly (ResponseCheck | null)[];
  /** By variant: 1 when the reply has no body whatever its headers say (HEAD). */
  readonly noBody: Uint8Array;
};

/** One kind of request: its share of the mix, and its variants. */
export type RequestKind = {
  name: string;
  /** Default 1. */
  weight?: number;
  /** Null or absent: any status below 400 is good. */
  check?: ResponseCheck | null;
  /** How many variants there are to choose from, at least 1. */
  rowCount: number;
  pick: 'sequential' | 'random';
  /** The request of a row; called once for each row that is used, in any order. */
  requestOf(row: number): RequestOptions;
};

export type EncodeOptions = {
  seed?: number;
  /** Most bytes that all encoded requests may take. Default 256 MiB. */
  memoryLimitBytes?: number;
  /** Called now and then while a large set is encoded. */
  onProgress?: (encodedCount: number, totalCount: number) => void;
};

const DEFAULT_MEMORY_LIMIT_BYTES = 256 * 1024 * 1024;
const PROGRESS_EVERY = 4096;

/** One request, again and again. */
export function plainRequest(request: RequestOptions, check: ResponseCheck | null = null): RequestKind {
  return { name: 'request', check, rowCount: 1, pick: 'sequential', requestOf: () => request };
}

/**
 * Encodes every variant that the mix will use, once. Throws USAGE when a request cannot be encoded, when the mix cannot
 * be laid out, or when the bytes would pass the memory limit, saying what to reduce.
 */
export function encodeRequests(
  codec: Codec,
  kinds: readonly RequestKind[],
  options: EncodeOptions = {},
): EncodedRequests {
  const mix: MixEntry[] = kinds.map(({ name, weight = 1, rowCount, pick }) => ({
    name,
    weight,
    rowCount,
    pick,
  }));
  const plan = mixOrder(mix, options.seed ?? 1);
  const arena = new Arena(options.memoryLimitBytes ?? DEFAULT_MEMORY_LIMIT_BYTES);
  const offsets: number[] = [];
  const lengths: number[] = [];
  const kindOf: number[] = [];
  const noBody: number[] = [];
  const totalCount = plan.useRow.length;
  /** Use → variant. Several rows may come to the same bytes. */
  const variantOf = new Uint32Array(totalCount);
  const byHash = new Map<number, number[]>();
  for (let use = 0; use < totalCount; use++) {
    const kind = plan.useKind[use]!;
    const request = kinds[kind]!.requestOf(plan.useRow[use]!);
    const bytes = codec.encodeRequest(request);
    const hash = hashOf(bytes, kind);
    const candidates = byHash.get(hash) ?? [];
    let variant = candidates.find(
      (known) => kindOf[known] === kind && arena.holds(offsets[known]!, lengths[known]!, bytes),
    );
    if (variant === undefined) {
      variant = offsets.length;
      offsets.push(arena.append(bytes, kinds[kind]!.name, use, totalCount));
      lengths.push(bytes.length);
      kindOf.push(kind);
      noBody.push(codec.name === 'http1' && request.method === 'HEAD' ? 1 : 0);
      if (candidates.push(variant) === 1) byHash.set(hash, candidates);
    }
    variantOf[use] = variant;
    if ((use + 1) % PROGRESS_EVERY === 0) options.onProgress?.(use + 1, totalCount);
  }
  const order = sharedUint32(plan.order.length);
  for (let i = 0; i < order.length; i++) order[i] = variantOf[plan.order[i]!]!;
  return {
    arena: arena.finish(),
    offsets: sharedUint32(offsets.length, offsets),
    lengths: sharedUint32(lengths.length, lengths),
    order: offsets.length === 1 ? order.subarray(0, 1) : order,
    kindOf: Uint16Array.from(kindOf),
    kindNames: kinds.map(({ name }) => name),
    checks: kinds.map(({ check }) => check ?? null),
    noBody: Uint8Array.from(noBody),
  };
}

/** A growing byte string with a limit. */
class Arena {
  readonly #limitBytes: number;
  #bytes: Uint8Array = new Uint8Array(1024);
  #length = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Where the bytes now begin. */
  append(bytes: Uint8Array, kindName: string, done: number, total: number): number {
    const offset = this.#length;
    const needed = offset + bytes.length;
    if (needed > this.#limitBytes) {
      const perRequest = Math.ceil(needed / (done + 1));
      throw new LoopscopeError(
        'USAGE',
        `the requests are too large to be made beforehand: ${done} of ${total} variants fill ` +
          `${formatBytes(this.#limitBytes)}, at about ${formatBytes(perRequest)} each (the last is of kind "${kindName}")`,
        `use fewer rows of data (about ${Math.max(1, Math.floor(this.#limitBytes / perRequest))} fit) or smaller bodies`,
      );
    }
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#limitBytes, Math.max(needed, 2 * this.#bytes.length)));
      larger.set(this.#bytes.subarray(0, offset));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, offset);
    this.#length = needed;
    return offset;
  }

  holds(offset: number, length: number, bytes: Uint8Array): boolean {
    return (
      length === bytes.length && Buffer.compare(this.#bytes.subarray(offset, offset + length), bytes) === 0
    );
  }

  finish(): Uint8Array {
    const shared = new Uint8Array(new SharedArrayBuffer(this.#length));
    shared.set(this.#bytes.subarray(0, this.#length));
    return shared;
  }
}

function sharedUint32(length: number, values?: readonly number[]): Uint32Array {
  const array = new Uint32Array(new SharedArrayBuffer(4 * length));
  if (values) array.set(values);
  return array;
}

/** FNV-1a over the bytes and the kind; only a first sieve, equality is decided by comparing. */
function hashOf(bytes: Uint8Array, kind: number): number {
  let hash = 0x811c9dc5 ^ kind;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}
