/** What a server says to a connection before it closes it, without a good reply: the first such text of a thread. */
const LIMIT_BYTES = 200;
const LISTENING = 1;

export class Refusal {
  /** First line of what was said; empty when nobody was turned away with a word. */
  text = '';
  #heard = '';
  #heardFrom = -1;
  readonly #state: Uint8Array;

  constructor(connectionLimit: number) {
    this.#state = new Uint8Array(connectionLimit);
  }

  /** A new connection. */
  listen(conn: number): void {
    this.#state[conn] = LISTENING;
  }

  /** It said something that is no good reply. Of each connection the first is looked at, and none once a text is known. */
  hear(conn: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#state[conn] !== LISTENING || this.text !== '') return;
    this.#state[conn] = 0;
    const said = new TextDecoder().decode(bytes.slice(start, Math.min(end, start + LIMIT_BYTES)));
    this.#heard = said.split(/[\r\n]/, 1)[0]!;
    this.#heardFrom = conn;
  }

  /** It was closed, and had been no use. */
  confirm(conn: number): void {
    if (this.#heardFrom === conn && this.text === '') this.text = this.#heard;
  }
}
