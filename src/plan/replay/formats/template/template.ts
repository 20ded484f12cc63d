/**
 * A line laid out as a template says: literal text, and variables between. A variable ends where the literal behind it
 * begins, the first time that it does: no alternatives are tried, so the time for a line is that of one walk over it.
 *
 * Invariants
 *  T1  match() writes only to `captures`, and allocates nothing.
 *  T2  Every variable but the last has a literal behind it (compile() refuses others).
 *  T3  In quotes, a backslash takes the next byte with it: nginx and Apache escape the quote so.
 */
import { LoopscopeError } from '../../../../base/errors.ts';

/** What a variable is for. */
export const CAPTURE = {
  skip: 0,
  stamp: 1,
  /** A stamp that is finer than another one of the same line. */
  fineStamp: 2,
  /** Milliseconds or microseconds within the stamp's second. */
  fractionMs: 3,
  fractionUs: 4,
  request: 5,
  method: 6,
  path: 7,
  host: 8,
  status: 9,
  bodyBytes: 10,
  duration: 11,
  client: 12,
  /** "address:port", the address perhaps an IPv6 one without brackets. */
  clientPort: 13,
  port: 14,
  connection: 15,
  userAgent: 16,
  referrer: 17,
  session: 18,
  query: 19,
  /** Of the request: its body, and all of it. */
  requestBytes: 20,
  requestLength: 21,
} as const;

export type Capture = (typeof CAPTURE)[keyof typeof CAPTURE];

export const CAPTURE_COUNT = 22;

export type TemplatePart = { literal: string } | { capture: Capture; name: string };

type Step = {
  /** Literal bytes before the variable; empty for none. */
  before: Uint8Array;
  capture: Capture;
  quoted: boolean;
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NONE = new Uint8Array(0);

export class Template {
  readonly #steps: readonly Step[];
  readonly #tail: Uint8Array;
  /** Start and end of each capture; equal when the template has none of it. */
  readonly captures: Int32Array = new Int32Array(2 * CAPTURE_COUNT);
  readonly has: ReadonlySet<Capture>;

  /** Throws USAGE for two variables that nothing separates, naming both. `where` names the option. */
  constructor(parts: readonly TemplatePart[], where: string) {
    const { steps, tail } = compile(mergePorts(mergeQueries(parts)), where);
    this.#steps = steps;
    this.#tail = tail;
    this.has = new Set(steps.map(({ capture }) => capture));
  }

  /** Whether [start, end) is laid out so; `captures` then says where everything is. */
  match(bytes: Uint8Array, start: number, end: number): boolean {
    const steps = this.#steps;
    const { captures } = this;
    let at = start;
    const { length } = steps;
    for (let i = 0; i < length; i++) {
      const { before, capture, quoted } = steps[i]!;
      // The variable before this one has already stood at the first byte of `before`.
      if (!literalAt(bytes, at, end, before)) return false;
      at += before.length;
      const stop = i + 1 < length ? steps[i + 1]!.before : this.#tail;
      const from = at;
      at = stop.length === 0 ? end : endOfVariable(bytes, at, end, stop, quoted);
      if (at < 0) return false;
      captures[2 * capture] = from;
      captures[2 * capture + 1] = at;
    }
    // Newer servers append: what follows the last literal is not ours to judge.
    return literalAt(bytes, at, end, this.#tail);
  }
}

function endOfVariable(
  bytes: Uint8Array,
  start: number,
  end: number,
  stop: Uint8Array,
  quoted: boolean,
): number {
  const first = stop[0]!;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === first && (stop.length === 1 || literalAt(bytes, at, end, stop))) return at;
    if (quoted && byte === BACKSLASH) at++;
  }
  return -1;
}

function literalAt(bytes: Uint8Array, at: number, end: number, literal: Uint8Array): boolean {
  const { length } = literal;
  if (end - at < length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== literal[i]) return false;
  return true;
}

function compile(parts: readonly TemplatePart[], where: string): { steps: Step[]; tail: Uint8Array } {
  const steps: Step[] = [];
  let literal = '';
  let before: string | null = null;
  for (const part of parts) {
    if ('literal' in part) {
      literal += part.literal;
      continue;
    }
    if (before !== null && literal === '') {
      throw new LoopscopeError(
        'USAGE',
        `${where}: nothing stands between ${before} and ${part.name}, so no one can tell where one ends`,
        'log them with a space between',
      );
    }
    const bytes = Buffer.from(literal);
    steps.push({ before: bytes, capture: part.capture, quoted: bytes.at(-1) === QUOTE });
    before = part.name;
    literal = '';
  }
  return { steps, tail: literal === '' ? NONE : Buffer.from(literal) };
}

/** A path and its query that follow one another, as in $uri$is_args$args or %U%q, are one variable. */
function mergeQueries(parts: readonly TemplatePart[]): TemplatePart[] {
  const merged: TemplatePart[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    const isQuery = 'capture' in part && part.capture === CAPTURE.query;
    if (isQuery && last !== undefined && 'capture' in last && last.capture === CAPTURE.path) continue;
    merged.push(part);
  }
  return merged;
}

/** An IPv6 address has colons of its own: address and port are taken apart at the last one. */
function mergePorts(parts: readonly TemplatePart[]): TemplatePart[] {
  const merged: TemplatePart[] = [];
  for (const part of parts) {
    const [address, colon] = merged.slice(-2);
    if (
      'capture' in part &&
      part.capture === CAPTURE.port &&
      colon !== undefined &&
      'literal' in colon &&
      colon.literal === ':' &&
      address !== undefined &&
      'capture' in address &&
      address.capture === CAPTURE.client
    ) {
      merged.splice(-2, 2, { capture: CAPTURE.clientPort, name: `${address.name}:${part.name}` });
      continue;
    }
    merged.push(part);
  }
  return merged;
}
