/** Reasons for wrong replies that come from the wire: kept as few constant strings, whatever a hostile peer sends. */
export const MAX_REASON_COUNT = 64;
export const MAX_REASON_BYTES = 40;
export const OTHER_REASON = 'other reasons';

export class Reasons {
  readonly #known: string[] = [];

  /** The string for printable ASCII bytes [start, end); allocates only for one not met before. */
  ofBytes(bytes: Uint8Array, start: number, end: number): string {
    const length = Math.min(end - start, MAX_REASON_BYTES);
    for (let i = 0; i < this.#known.length; i++) {
      const known = this.#known[i]!;
      if (known.length !== length) continue;
      let at = 0;
      while (at < length && known.charCodeAt(at) === printable(bytes[start + at]!)) at++;
      if (at === length) return known;
    }
    let text = '';
    for (let i = 0; i < length; i++) text += String.fromCharCode(printable(bytes[start + i]!));
    return this.#keep(text);
  }

  ofText(text: string): string {
    return this.#known.includes(text) ? text : this.#keep(text.slice(0, 4 * MAX_REASON_BYTES));
  }

  #keep(text: string): string {
    if (this.#known.includes(text)) return text;
    if (this.#known.length >= MAX_REASON_COUNT - 1) return OTHER_REASON;
    this.#known.push(text);
    return text;
  }
}

function printable(byte: number): number {
  return byte > 32 && byte < 127 ? byte : 63;
}
