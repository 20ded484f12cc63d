/**
 * Requests as bytes, all made before the run: sending one is then a matter of an offset and a length. Kinds are what
 * the user named (weights, checks and counts are theirs), variants are the distinct byte strings of a kind.
 */
import { LoopscopeError } from '../../base/errors.ts';
import { formatBytes } from '../../base/units.ts';
import type { Codec, RequestOptions } from '../../wire/codec.ts';
import type { ResponseCheck } from './check.ts';
import { type MixEntry, mixOrder } from './mix.ts';
import { encodeOwnValues } from './own-values.ts';

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
  /** What checks compare with that is a variant's own, and where it begins; read by OwnValuesReader. */
  readonly ownArena: Uint8Array;
  readonly ownOffsets: Uint32Array;
  /** By variant: 1 when the reply has no body whatever its headers say (HEAD). */
  readonly noBody: Uint8Array;
  /** By variant: 1 when it says that no other follows on its connection (Connection: close). RFC 9112 §9.6 */
  readonly closes: Uint8Array;
  /** By variant: 1 when it may be sent twice: its method is idempotent. RFC 9110 §9.2.2 */
  readonly repeatable: Uint8Array;
};

/** Methods whose second time changes nothing more than the first. RFC 9110 §9.2.2 */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

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
  /** What `check` compares with that is this row's own. Absent: nothing. */
  ownOf?(row: number): readonly Uint8Array[];
  /** Begins the message when the request of a row cannot be made: which kind, which line of which file. */
  describeRow?(row: number): string;
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
const NONE = new Uint8Array(0);

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
  const totalCount = plan.useRow.length;
  const arena = new Arena(options.memoryLimitBytes ?? DEFAULT_MEMORY_LIMIT_BYTES);
  const ownArena = new Arena(options.memoryLimitBytes ?? DEFAULT_MEMORY_LIMIT_BYTES);
  const variants = new Variants(totalCount, arena, ownArena);
  /** Use → variant. Several rows may come to the same bytes. */
  const variantOf = new Uint32Array(totalCount);
  for (let use = 0; use < totalCount; use++) {
    const kind = plan.useKind[use]!;
    const { request, bytes, own } = encodeOne(codec, kinds[kind]!, plan.useRow[use]!);
    arena.checkRoom(ownArena.length + bytes.length + own.length, kinds[kind]!.name, use, totalCount);
    const isHttp = codec.name === 'http1';
    variantOf[use] = variants.add(kind, bytes, own, {
      noBody: isHttp && request.method === 'HEAD',
      closes: isHttp && saysClose(request),
      repeatable: isHttp && IDEMPOTENT.has(request.method ?? 'GET'),
    });
    if ((use + 1) % PROGRESS_EVERY === 0) options.onProgress?.(use + 1, totalCount);
  }
  const order = shared(variants.count === 1 ? 1 : plan.order.length);
  for (let i = 0; i < order.length; i++) order[i] = variantOf[plan.order[i]!]!;
  return {
    arena: arena.finish(),
    offsets: shared(variants.count, variants.offsets),
    lengths: shared(variants.count, variants.lengths),
    order,
    kindOf: variants.kindOf.slice(0, variants.count),
    kindNames: kinds.map(({ name }) => name),
    checks: kinds.map(({ check }) => check ?? null),
    ownArena: ownArena.finish(),
    ownOffsets: shared(variants.count, variants.ownOffsets),
    noBody: variants.noBody.slice(0, variants.count),
    closes: variants.closes.slice(0, variants.count),
    repeatable: variants.repeatable.slice(0, variants.count),
  };
}

/** Whether "Connection: close" is among the headers. */
export function saysClose({ headers = [] }: Pick<RequestOptions, 'headers'>): boolean {
  return headers.some(
    ([name, value]) =>
      name.toLowerCase() === 'connection' &&
      value.split(',').some((option) => option.trim().toLowerCase() === 'close'),
  );
}

function encodeOne(
  codec: Codec,
  kind: RequestKind,
  row: number,
): { request: RequestOptions; bytes: Uint8Array; own: Uint8Array } {
  try {
    const request = kind.requestOf(row);
    const own = kind.ownOf === undefined ? NONE : encodeOwnValues(kind.ownOf(row));
    return { request, bytes: codec.encodeRequest(request), own };
  } catch (error) {
    if (kind.describeRow === undefined || !(error instanceof LoopscopeError)) throw error;
    throw new LoopscopeError(error.code, `${kind.describeRow(row)}: ${error.message}`, error.hint, error);
  }
}

type VariantTraits = { noBody: boolean; closes: boolean; repeatable: boolean };

/**
 * The distinct byte strings of each kind, with the distinct values that their checks compare with, found again by hash;
 * typed arrays, because there may be a million.
 */
class Variants {
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly ownOffsets: Uint32Array;
  readonly kindOf: Uint16Array;
  readonly noBody: Uint8Array;
  readonly closes: Uint8Array;
  readonly repeatable: Uint8Array;
  count = 0;
  readonly #arena: Arena;
  readonly #ownArena: Arena;
  /** Hash → last variant with it, plus one; variant → the one before with the same hash, plus one. */
  readonly #heads: Uint32Array;
  readonly #previous: Uint32Array;

  constructor(limit: number, arena: Arena, ownArena: Arena) {
    this.offsets = new Uint32Array(limit);
    this.lengths = new Uint32Array(limit);
    this.ownOffsets = new Uint32Array(limit);
    this.kindOf = new Uint16Array(limit);
    this.noBody = new Uint8Array(limit);
    this.closes = new Uint8Array(limit);
    this.repeatable = new Uint8Array(limit);
    this.#arena = arena;
    this.#ownArena = ownArena;
    this.#heads = new Uint32Array(2 ** Math.ceil(Math.log2(2 * limit)));
    this.#previous = new Uint32Array(limit);
  }

  /** The variant with these bytes and values: the known one, or a new one. */
  add(kind: number, bytes: Uint8Array, own: Uint8Array, traits: VariantTraits): number {
    const slot = hashOf(own, hashOf(bytes, kind)) & (this.#heads.length - 1);
    for (let next = this.#heads[slot]!; next > 0; next = this.#previous[next - 1]!) {
      const known = next - 1;
      const same = this.kindOf[known] === kind && this.lengths[known] === bytes.length;
      // As many values of known lengths as any other of this kind: none is the beginning of another.
      const isKnown = same && this.#arena.holds(this.offsets[known]!, bytes);
      if (isKnown && this.#ownArena.holds(this.ownOffsets[known]!, own)) return known;
    }
    const variant = this.count++;
    this.offsets[variant] = this.#arena.append(bytes);
    this.lengths[variant] = bytes.length;
    this.ownOffsets[variant] = this.#ownArena.append(own);
    this.kindOf[variant] = kind;
    this.noBody[variant] = traits.noBody ? 1 : 0;
    this.closes[variant] = traits.closes ? 1 : 0;
    this.repeatable[variant] = traits.repeatable ? 1 : 0;
    this.#previous[variant] = this.#heads[slot]!;
    this.#heads[slot] = variant + 1;
    return variant;
  }
}

/** A growing byte string with a limit. */
class Arena {
  readonly #limitBytes: number;
  #bytes: Uint8Array = new Uint8Array(1024);
  #length = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Throws USAGE when a request of this size might not fit, saying what to reduce. */
  checkRoom(byteLength: number, kindName: string, done: number, total: number): void {
    const needed = this.#length + byteLength;
    if (needed <= this.#limitBytes) return;
    const perRequest = Math.ceil(needed / (done + 1));
    throw new LoopscopeError(
      'USAGE',
      `the requests are too large to be made beforehand: ${done} of ${total} variants fill ` +
        `${formatBytes(this.#limitBytes)}, at about ${formatBytes(perRequest)} each (the last is of kind "${kindName}")`,
      `use fewer rows of data (about ${Math.max(1, Math.floor(this.#limitBytes / perRequest))} fit) or smaller bodies`,
    );
  }

  /** Where the bytes now begin. */
  append(bytes: Uint8Array): number {
    const offset = this.#length;
    const needed = offset + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, Math.min(this.#limitBytes, 2 * this.#bytes.length)));
      larger.set(this.#bytes.subarray(0, offset));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, offset);
    this.#length = needed;
    return offset;
  }

  holds(offset: number, bytes: Uint8Array): boolean {
    return Buffer.compare(this.#bytes.subarray(offset, offset + bytes.length), bytes) === 0;
  }

  finish(): Uint8Array {
    const shared = new Uint8Array(new SharedArrayBuffer(this.#length));
    shared.set(this.#bytes.subarray(0, this.#length));
    return shared;
  }
}

function shared(length: number, values?: Uint32Array): Uint32Array {
  const array = new Uint32Array(new SharedArrayBuffer(4 * length));
  if (values) array.set(values.subarray(0, length));
  return array;
}

/** FNV-1a over the bytes, from a seed; only a first sieve, equality is decided by comparing. */
function hashOf(bytes: Uint8Array, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}
