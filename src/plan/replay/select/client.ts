/** Which client sent a request, as 32 bits. */
import type { SessionKind } from '../formats/log-format.ts';
import { hashBytes, mix } from '../lines/bytes.ts';
import { FIELD, type Field, hasField, type LogEntry } from '../lines/log-entry.ts';

const SEED = 0x811c9dc5;

const FIELD_OF: Readonly<Record<Exclude<SessionKind, 'none'>, Field>> = {
  connection: FIELD.connection,
  'ip:port': FIELD.client,
  header: FIELD.session,
  'ip+agent': FIELD.client,
  ip: FIELD.client,
};

export class Clients {
  /** Of the last one asked for: its line did not say who sent it. */
  isUnknown = false;
  readonly #kind: SessionKind;
  #next = 0;

  constructor(kind: SessionKind) {
    this.#kind = kind;
  }

  /** The client of a request; each that nobody can name is one of its own. */
  of(entry: LogEntry): number {
    this.isUnknown = false;
    if (this.#kind === 'none') return mix(++this.#next);
    const field = FIELD_OF[this.#kind];
    if (!hasField(entry, field) || (this.#kind === 'ip:port' && entry.port === 0)) {
      this.isUnknown = true;
      return mix(++this.#next);
    }
    const hash = hashBytes(entry.bytes, entry.ranges[2 * field]!, entry.ranges[2 * field + 1]!, SEED);
    if (this.#kind === 'ip:port') return mix(hash ^ Math.imul(entry.port, 0x9e3779b1));
    if (this.#kind !== 'ip+agent') return hash;
    const agent = 2 * FIELD.userAgent;
    return hashBytes(entry.bytes, entry.ranges[agent]!, entry.ranges[agent + 1]!, mix(hash));
  }
}

/** Whether a client is in the sample: by itself alone, so that the same ones are in on every run and machine. */
export function isSampled(client: number, share: number): boolean {
  return mix(client ^ 0x5bd1e995) < share * 2 ** 32;
}
