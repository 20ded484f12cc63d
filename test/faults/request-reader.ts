/** Requests as the fault suite sends them, counted by a reader of its own: nothing of what is tested is used here. */
export class RequestReader {
  readonly #protocol: 'http' | 'frame';
  readonly #onRequest: (letter: string) => void;
  #held: Buffer = Buffer.alloc(0);

  /** `onRequest` is told the letter that a request carries: its path's in HTTP, its payload's first in frames. */
  constructor(protocol: 'http' | 'frame', onRequest: (letter: string) => void) {
    this.#protocol = protocol;
    this.#onRequest = onRequest;
  }

  push(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    for (let taken = this.#take(); taken > 0; taken = this.#take()) this.#held = this.#held.subarray(taken);
  }

  /** How many bytes the next whole request has, after telling of it; 0: it is not whole yet. */
  #take(): number {
    const held = this.#held;
    if (this.#protocol === 'frame') {
      if (held.length < 4) return 0;
      const length = held.readUInt32BE(0);
      if (held.length < 4 + length) return 0;
      this.#onRequest(length === 0 ? 'a' : String.fromCharCode(held[4]!));
      return 4 + length;
    }
    const end = held.indexOf('\r\n\r\n');
    if (end < 0) return 0;
    const head = held.toString('latin1', 0, end);
    const length = end + 4 + Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (held.length < length) return 0;
    this.#onRequest(/^[A-Z]+ \/(.)/.exec(head)?.[1] ?? 'a');
    return length;
  }
}
