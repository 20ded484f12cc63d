/**
 * Inputs for parsers of HTTP/1 replies: one seed makes one input, always the same. Grown from a grammar of replies, right
 * and nearly right, then damaged. Bytes go into one buffer, so that making an input costs about as much as parsing it.
 */
export const MAX_INPUT_BYTES = 4096;

const encode = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

const STATUS_LINES = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 404 Not Found\r\n',
  'HTTP/1.1 204 No Content\r\n',
  'HTTP/1.1 304 Not Modified\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n',
  'HTTP/1.0 200 OK\r\n',
  'HTTP/1.1 200\r\n',
  'HTTP/1.1 200 \r\n',
  'HTTP/1.1 500 caf\xe9\r\n',
  'HTTP/1.1 200 OK\n',
  'HTTP/1.1 101 Switching Protocols\r\n',
  'HTTP/1.2 200 OK\r\n',
  'HTTP/1.1 999 What\r\n',
  'HTTP/2.0 200 OK\r\n',
  'HTTP/1.1  200 OK\r\n',
  'HTTP/1.1 20 OK\r\n',
  'http/1.1 200 OK\r\n',
].map(encode);

const FIELDS = [
  'Server: nginx\r\n',
  'Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n',
  'Connection: keep-alive\r\n',
  'Connection: close\r\n',
  'connection: foo , Close\r\n',
  'X-Empty:\r\n',
  'X-Blank: \t\r\n',
  'X-High: \xff\x80\r\n',
  'Content-Type: text/plain\n',
  'Folded: a\r\n b\r\n',
  'Keep-Alive: timeout=5\r\n',
  'X Y: a\r\n',
  'X : a\r\n',
  ' lead: a\r\n',
  'no colon\r\n',
  ': nameless\r\n',
  'X: a\rb\r\n',
  'X: \x00\r\n',
  'X: \x7f\r\n',
  'Trailer: X\r\n',
  'Upgrade: h2c\r\n',
].map(encode);

const FRAMINGS = [
  'Content-Length: 5\r\n\r\nhello',
  'content-length:5\r\n\r\nhello',
  'Content-Length: 0\r\n\r\n',
  'Content-Length: 10\r\n\r\n0123456789',
  'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
  'Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  '\r\nuntil the end',
  '\r\n',
  '\n',
  'Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
  'Content-Length: 5\r\nContent-Length: 4\r\n\r\nhello',
  'Content-Length: 5, 5\r\n\r\nhello',
  'Content-Length: +5\r\n\r\nhello',
  'Content-Length: 0x5\r\n\r\nhello',
  'Content-Length: 5 5\r\n\r\nhello',
  'Content-Length: 000005\r\n\r\nhello',
  'Content-Length: 99999999999999999999\r\n\r\nhello',
  'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  'Transfer-Encoding: identity\r\n\r\nhello',
  'Transfer-Encoding: chunked, gzip\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  'Transfer-Encoding: xchunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  'Transfer-Encoding:\r\n chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n',
  'Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n;a\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n',
  'Transfer-Encoding: chunked\r\n\r\n1;a="\r\nx\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n00000000000000000000001\r\nx\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n1 \t ;a\r\nx\r\n0\r\nX: y\r\n\tz\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\nY:\n\n',
  `Transfer-Encoding: chunked\r\n\r\n0\r\n${'X: y\r\n'.repeat(30)}\r\n`,
  `Transfer-Encoding: chunked\r\n\r\n0\r\nX: ${'y'.repeat(600)}\r\n\r\n`,
  `Transfer-Encoding: chunked\r\n\r\n1;${'e'.repeat(600)}\r\nx\r\n0\r\n\r\n`,
  `Transfer-Encoding: chunked\r\n\r\n${'0'.repeat(600)}1\r\nx\r\n0\r\n\r\n`,
  `${'A: b\r\n'.repeat(30)}Content-Length: 0\r\n\r\n`,
].map(encode);

/** What damage puts in: line ends, separators, digits, and bytes at the edges of classes. */
const BYTES = encode('\r\n\r\n \t:;,0159aAfF-+"HTP/.\x00\x01\x1f\x7f\x80\xff');

const TOKENS = [
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '\r',
  'HTTP/1.1 200 OK\r\n',
  'Content-Length: 1\r\n',
  'Content-Length',
  'Transfer-Encoding: chunked\r\n',
  'chunked',
  ', ',
  ': ',
  '0\r\n\r\n',
  '1\r\nx\r\n',
  'ffffffff',
  '0000000000',
  ' \r\n ',
  'Connection: close\r\n',
  'a:b\r\n'.repeat(20),
  'x'.repeat(300),
].map(encode);

export class ReplyInputs {
  readonly bytes = new Uint8Array(MAX_INPUT_BYTES);
  length = 0;
  #random = 1;

  /** Makes the input of this seed: bytes [0, length). `damage` false: only what the grammar itself gets wrong. */
  make(seed: number, damage = true): void {
    // Neighbouring seeds must not begin alike.
    this.#random = Math.imul(seed + 1, 0x9e3779b1) ^ ((seed + 1) >>> 15) || 1;
    for (let i = 0; i < 4; i++) this.#next();
    this.length = 0;
    const replies = 1 + (this.below(4) === 0 ? this.below(3) : 0);
    for (let i = 0; i < replies; i++) this.#reply();
    // A third is left as grown; the rest is damaged in one place or a few.
    const wounds = damage && this.below(3) > 0 ? 1 + this.below(4) : 0;
    for (let i = 0; i < wounds; i++) this.#wound();
  }

  /** A whole number from 0 to limit − 1. */
  below(limit: number): number {
    return (this.#next() >>> 0) % limit;
  }

  /** xorshift32 (Marsaglia 2003). */
  #next(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x;
  }

  #reply(): void {
    this.#add(STATUS_LINES[this.below(STATUS_LINES.length)]!);
    for (let count = this.below(5); count > 0; count--) {
      // Mostly well-formed lines, which come first in the list.
      this.#add(FIELDS[this.below(this.below(4) === 0 ? FIELDS.length : 9)]!);
    }
    this.#add(FRAMINGS[this.below(this.below(2) === 0 ? FRAMINGS.length : 9)]!);
  }

  #add(piece: Uint8Array): void {
    if (this.length + piece.length > MAX_INPUT_BYTES) return;
    for (let i = 0; i < piece.length; i++) this.bytes[this.length + i] = piece[i]!;
    this.length += piece.length;
  }

  #wound(): void {
    if (this.length === 0) return;
    const at = this.below(this.length);
    const bytes = this.bytes;
    switch (this.below(8)) {
      case 0:
        bytes[at] = this.below(256);
        break;
      case 1:
      case 2:
        bytes[at] = BYTES[this.below(BYTES.length)]!;
        break;
      case 3:
        bytes[at]! ^= 1 << this.below(8);
        break;
      case 4:
        this.#remove(at, 1 + this.below(8));
        break;
      case 5:
        this.#insert(at, TOKENS[this.below(TOKENS.length)]!);
        break;
      case 6:
        this.#insert(at, bytes.slice(at, Math.min(this.length, at + 1 + this.below(32))));
        break;
      default:
        this.length = at;
    }
  }

  #remove(at: number, count: number): void {
    const end = Math.min(this.length, at + count);
    this.bytes.copyWithin(at, end, this.length);
    this.length -= end - at;
  }

  #insert(at: number, piece: Uint8Array): void {
    if (this.length + piece.length > MAX_INPUT_BYTES) return;
    this.bytes.copyWithin(at + piece.length, at, this.length);
    this.bytes.set(piece, at);
    this.length += piece.length;
  }
}
