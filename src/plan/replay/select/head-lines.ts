/** Header lines that go with every request, and those of a recording that are not sent again. */

const COLON = 0x3a;
const LF = 10;

/** Of a connection rather than of a request, or following from the body; RFC 9110 §7.6.1, and what waits for an answer. */
const NEVER_AGAIN = [
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'expect',
  'http2-settings',
];

/** Which header names of a recording are left out: those above, and those that are replaced. */
export class LeftOutNames {
  readonly #names: readonly Uint8Array[];

  constructor(replaced: readonly string[]) {
    this.#names = [...NEVER_AGAIN, ...replaced].map((name) => Buffer.from(name.toLowerCase()));
  }

  has(bytes: Uint8Array, start: number, end: number): boolean {
    // ":authority" and its like are no header lines.
    if (end === start || bytes[start] === COLON) return true;
    for (const name of this.#names) if (isSameName(bytes, start, end, name)) return true;
    return false;
  }
}

function isSameName(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== name[i]) return false;
  }
  return true;
}

/** Copies header lines, each with its line end, but for those of `leftOut`; where `out` now ends. */
export function copyHeadLines(
  bytes: Uint8Array,
  start: number,
  end: number,
  leftOut: LeftOutNames,
  out: Uint8Array,
  at: number,
): number {
  let length = at;
  for (let from = start; from < end; ) {
    let to = from;
    let colon = -1;
    while (to < end && bytes[to] !== LF) {
      if (colon < 0 && bytes[to] === COLON && to > from) colon = to;
      to++;
    }
    const next = Math.min(end, to + 1);
    if (colon > 0 && !leftOut.has(bytes, from, colon)) {
      for (let i = from; i < next; i++) out[length++] = bytes[i]!;
    }
    from = next;
  }
  return length;
}
