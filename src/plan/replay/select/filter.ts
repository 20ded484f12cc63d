/** --only, --skip and --sample: which of the readable requests are replayed. */
import { matchesGlob } from '../../../base/glob.ts';
import { FIELD, type LogEntry } from '../lines/log-entry.ts';
import type { ReplayCondition, ReplayOptions } from '../replay-options.ts';
import type { LeftOut } from '../replay-summary.ts';
import { isSampled } from './client.ts';
import { isSafe, type Methods } from './methods.ts';

type Ask = { path: string | null; status: string | null };

export class Filter {
  readonly #methods: Methods;
  readonly #unsafe: boolean;
  /** By key: one pattern of each must match. */
  readonly #only: readonly ReplayCondition[];
  readonly #skip: readonly ReplayCondition[];
  readonly #sampleShare: number;
  readonly #ask: Ask = { path: null, status: null };

  constructor(options: ReplayOptions, methods: Methods) {
    this.#methods = methods;
    this.#unsafe = options.unsafeMethods === true;
    this.#only = byKey(options.only ?? []);
    this.#skip = options.skip ?? [];
    this.#sampleShare = options.sampleShare ?? 1;
  }

  /** Why a request is left out; null: it is replayed. Allocates only where a path or status is asked about. */
  ask(entry: LogEntry, method: number, client: number): LeftOut | null {
    if (!this.#unsafe && !isSafe(method)) return 'method';
    if (this.#only.length > 0 || this.#skip.length > 0) {
      this.#ask.path = null;
      this.#ask.status = null;
      for (const condition of this.#only) if (!this.#matches(condition, entry, method)) return 'only';
      for (const condition of this.#skip) if (this.#matches(condition, entry, method)) return 'skip';
    }
    return this.#sampleShare < 1 && !isSampled(client, this.#sampleShare) ? 'sample' : null;
  }

  #matches({ key, patterns }: ReplayCondition, entry: LogEntry, method: number): boolean {
    const text = this.#text(key, entry, method);
    for (const pattern of patterns) if (matchesGlob(text, pattern)) return true;
    return false;
  }

  #text(key: ReplayCondition['key'], entry: LogEntry, method: number): string {
    if (key === 'method') return this.#methods.nameOf(method);
    if (key === 'status') {
      this.#ask.status ??= String(entry.status);
      return this.#ask.status;
    }
    this.#ask.path ??= pathOf(entry);
    return this.#ask.path;
  }
}

/** Several --only of one key are alternatives. */
function byKey(conditions: readonly ReplayCondition[]): ReplayCondition[] {
  const found = new Map<ReplayCondition['key'], string[]>();
  for (const { key, patterns } of conditions) found.set(key, [...(found.get(key) ?? []), ...patterns]);
  return [...found].map(([key, patterns]) => ({ key, patterns }));
}

/** Without its query. */
function pathOf({ bytes, ranges }: LogEntry): string {
  const path = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = path.toString('latin1', ranges[2 * FIELD.path]!, ranges[2 * FIELD.path + 1]!);
  const query = text.indexOf('?');
  return query < 0 ? text : text.slice(0, query);
}
